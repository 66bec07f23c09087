-- title: rows above the clearance are not there
-- role: plain
-- expect: filtered
-- required: ^10$
-- recorded: no

SELECT body FROM att.rows;
SELECT count(*) FROM att.rows;
SELECT body FROM att.rows WHERE id = 15;
SELECT body FROM att.rows WHERE label = 'secret:health';
SELECT max(body), min(body) FROM att.rows;
