-- title: masks, for the owner of the table
-- role: owner
-- expect: filtered
-- required: ^3\|name 3\|$
-- recorded: no

SELECT * FROM att.masked;
SELECT m, to_jsonb(m) FROM att.masked m;
CREATE VIEW scratch.mask_owner AS SELECT * FROM att.masked;
SELECT * FROM scratch.mask_owner;
SELECT ssn FROM att.masked WHERE ssn IS NOT NULL;
COPY att.masked TO STDOUT;
SELECT k, p FROM att.masks;
