-- title: a superuser takes the row filter off
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: yes

ALTER TABLE att.rows DISABLE ROW LEVEL SECURITY;
ALTER TABLE att.rows NO FORCE ROW LEVEL SECURITY;
SELECT * FROM att.rows;
