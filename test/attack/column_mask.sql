-- title: a masked column shows its mask only
-- role: plain
-- expect: filtered
-- required: ^10\|name 10\|$
-- recorded: no

SELECT * FROM att.masked;
SELECT ssn FROM att.masked;
SELECT m FROM att.masked m;
SELECT row_to_json(m) FROM att.masked m;
SELECT max(ssn) FROM att.masked;
SELECT count(*) FROM att.masked;
COPY att.masked TO STDOUT;
