-- title: TRUNCATE by a grantee who sees half of the rows
-- role: low
-- expect: denied
-- denials: 1
-- recorded: yes

SELECT count(*) FROM att.rows;
TRUNCATE att.rows;
