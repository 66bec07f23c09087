-- title: the owner takes the row filter off
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: kind=ddl_denied rule=row_security

ALTER TABLE att.rows DISABLE ROW LEVEL SECURITY;
ALTER TABLE att.rows NO FORCE ROW LEVEL SECURITY;
SELECT * FROM att.rows;
