-- title: a leaky function and a leaky operator run after the filter
-- role: plain
-- expect: filtered
-- required: OPEN-ROW
-- recorded: no

SELECT id FROM att.rows WHERE scratch.leak(body);
SELECT id FROM att.v_rows_super WHERE scratch.leak(body);
SET search_path = scratch, public;
SELECT id FROM att.rows WHERE body === 'x';
EXPLAIN SELECT id FROM att.rows WHERE body === 'x';
