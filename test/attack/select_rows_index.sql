-- title: index, bitmap and TID scans filter as well
-- role: plain
-- expect: filtered
-- required: ^10$
-- recorded: no

SET enable_seqscan = off;
SELECT body FROM att.rows WHERE body > 'S';
SELECT body FROM att.rows WHERE id BETWEEN 11 AND 20;
SELECT body FROM att.rows WHERE ctid >= '(0,0)';
SELECT body FROM att.rows ORDER BY body DESC LIMIT 3;
SELECT count(*) FROM att.rows;
