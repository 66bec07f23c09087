-- title: row_security = off, by the owner and by BYPASSRLS
-- role: owner
-- expect: refused
-- sqlstate: 42501
-- denials: 2
-- recorded: no

SET row_security = off;
SELECT * FROM att.rows;
\c - bypass
SET row_security = off;
SELECT * FROM att.rows;
