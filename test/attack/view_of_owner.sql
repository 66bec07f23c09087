-- title: a view of the owner
-- role: plain
-- expect: denied
-- recorded: yes

SELECT * FROM att.v_owner;
