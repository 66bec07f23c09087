-- title: a masked column tells nothing in WHERE
-- role: plain
-- expect: filtered denied
-- forbidden: name 7
-- recorded: no

SELECT name FROM att.masked WHERE ssn LIKE '%M7';
SELECT name FROM att.masked WHERE scratch.leak(ssn) AND ssn LIKE '%M7';
UPDATE att.masked SET name = name WHERE ssn LIKE '%M7' RETURNING name;
