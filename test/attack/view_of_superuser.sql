-- title: a view of a superuser
-- role: plain
-- expect: denied
-- recorded: yes

SELECT * FROM att.v_super;
