-- title: row_security = off, by a superuser
-- role: dba
-- expect: refused
-- sqlstate: 42501
-- recorded: no

SET row_security = off;
SELECT * FROM att.rows;
