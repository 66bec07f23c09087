-- title: a leaky function of a superuser runs after the filter
-- role: dba
-- expect: filtered
-- required: OPEN-ROW
-- recorded: no

SELECT id FROM att.rows WHERE scratch.leak(body);
SET search_path = scratch, public;
SELECT id FROM att.rows WHERE body === 'x';
