-- title: the same by the owner, through views of his own
-- role: owner
-- expect: filtered
-- required: seen: OPEN-ROW-1
-- recorded: no

CREATE VIEW att.spy AS SELECT id, body FROM att.rows WHERE scratch.leak(body);
SELECT id FROM att.spy;
CREATE FUNCTION att.spies() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT id FROM att.rows WHERE scratch.leak(body)';
SELECT count(*) FROM att.spies();
CREATE VIEW att.spy_barrier WITH (security_barrier) AS SELECT id, body FROM att.v_rows_super WHERE scratch.leak(body);
SELECT id FROM att.spy_barrier WHERE scratch.leak(body);
DROP VIEW att.spy, att.spy_barrier;
DROP FUNCTION att.spies();
