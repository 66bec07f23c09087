-- title: a leaky function of no cost runs after the filter wherever a query can have it
-- role: plain
-- expect: filtered
-- required: seen: OPEN-ROW-1
-- recorded: no

SELECT r.id FROM att.rows r JOIN att.plain p ON scratch.leak(r.body) AND r.id = p.id;
SELECT p.id FROM att.plain p LEFT JOIN att.rows r ON scratch.leak_eq(r.body, p.body);
SELECT count(*) FROM att.plain p, LATERAL (SELECT * FROM att.rows r WHERE r.id > p.id AND scratch.leak(r.body)) l;
SELECT p.id FROM att.plain p WHERE EXISTS (SELECT FROM att.rows r WHERE scratch.leak_eq(r.body, p.body));
SELECT p.id FROM att.plain p WHERE p.body IN (SELECT scratch.leak_immutable(r.body) FROM att.rows r);
SELECT id FROM (SELECT id, body FROM att.rows OFFSET 0) s WHERE scratch.leak(body);
WITH w AS NOT MATERIALIZED (SELECT * FROM att.rows) SELECT id FROM w WHERE scratch.leak(body);
SELECT id FROM (SELECT id, body FROM att.rows UNION ALL SELECT id, body FROM att.plain) u WHERE scratch.leak(body);
SELECT count(*) FILTER (WHERE scratch.leak(body)) FROM att.rows;
SELECT max(scratch.leak_immutable(body)) OVER (ORDER BY scratch.leak_immutable(body)) FROM att.rows;
SELECT id FROM att.rows GROUP BY id HAVING bool_and(scratch.leak(body));
SELECT id FROM att.rows ORDER BY scratch.leak_immutable(body) LIMIT 1;
SELECT DISTINCT ON (scratch.leak_immutable(body)) id FROM att.rows;
SELECT id FROM att.rows TABLESAMPLE system (100) WHERE scratch.leak(body);
SELECT id FROM att.rows WHERE CASE WHEN scratch.leak(body) THEN true ELSE id / 0 > 0 END FOR UPDATE;
UPDATE att.rows SET body = body WHERE scratch.leak(body);
DELETE FROM att.rows USING att.plain p WHERE scratch.leak(rows.body) AND p.id = rows.id AND false IS NULL;
MERGE INTO att.rows r USING att.plain p ON r.id = p.id AND scratch.leak(r.body) WHEN MATCHED AND scratch.leak(r.body) THEN DO NOTHING;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT id FROM att.rows WHERE body > 'A' AND scratch.leak(body);
SELECT id FROM att.rows WHERE id BETWEEN 1 AND 20 AND scratch.leak(body);
RESET enable_bitmapscan;
SET enable_indexscan = off;
SELECT id FROM att.rows WHERE id BETWEEN 1 AND 20 AND scratch.leak(body);
RESET ALL;
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT a.id FROM att.rows a JOIN att.rows b ON scratch.leak_immutable(a.body) = scratch.leak_immutable(b.body);
PREPARE q(text) AS SELECT id FROM att.rows WHERE scratch.leak_eq(body, $1);
SET plan_cache_mode = force_generic_plan;
EXECUTE q('x');
