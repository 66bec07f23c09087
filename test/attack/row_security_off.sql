-- title: row_security = off raises, it does not open
-- role: plain
-- expect: refused
-- sqlstate: 42501
-- recorded: no

SET row_security = off;
SELECT * FROM att.rows;
