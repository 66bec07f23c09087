-- title: errors of casts and of operators quote no hidden value
-- role: plain
-- expect: refused
-- sqlstate: 22P02
-- denials: 6
-- forbidden: SECRET
-- recorded: no

SELECT id FROM att.rows WHERE body::int > 0;
SELECT sum(body::numeric) FROM att.rows WHERE id > 5;
SELECT id FROM att.rows ORDER BY body::int DESC;
SET enable_seqscan = off;
SELECT id FROM att.rows WHERE id BETWEEN 1 AND 20 AND body::date > 'today';
\c - dba
SELECT id FROM att.rows WHERE body::int > 0;
SELECT id FROM att.v_rows_super WHERE body::xid IS NULL;
SELECT body::json FROM att.rows ORDER BY id DESC;
SELECT body::uuid FROM att.rows r JOIN att.plain p ON r.id >= p.id AND r.body::int > 0;
UPDATE att.rows SET body = (body::int)::text;
