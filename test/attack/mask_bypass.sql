-- title: masks, for BYPASSRLS
-- role: bypass
-- expect: filtered
-- required: ^hidden\|\*\*7$
-- recorded: no

SELECT k, p FROM att.masks;
SELECT * FROM att.masked;
SELECT * FROM att.mpart;
COPY (TABLE att.masks) TO STDOUT;
