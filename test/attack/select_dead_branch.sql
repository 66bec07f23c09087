-- title: a branch that the planner removes is still asked for
-- role: plain
-- expect: denied
-- recorded: yes

SELECT body FROM att.secret WHERE false;
