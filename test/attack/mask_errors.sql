-- title: masked values in error messages
-- role: plain
-- expect: filtered denied
-- sqlstate: 23502
-- denials: 1

UPDATE att.masked SET id = NULL;
UPDATE att.masked SET id = 1;
INSERT INTO att.masked (id) VALUES (1);
SELECT ssn::int FROM att.masked;
SELECT (ssn || 'x')::int, k::int FROM att.masked, att.masks;
