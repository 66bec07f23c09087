-- title: a partitioned table
-- role: plain
-- expect: denied
-- recorded: yes

SELECT * FROM att.part WHERE id = 15;
