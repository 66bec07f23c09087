-- Cursors over masked columns: what was read unmasked stays with who may read it
CREATE ROLE regress_leaks_low;
CREATE ROLE regress_leaks_high;
SECURITY LABEL FOR dataclass ON ROLE regress_leaks_low IS 'restricted';
SECURITY LABEL FOR dataclass ON ROLE regress_leaks_high IS 'secret';
CREATE TABLE leak_masked (id int, body text);
INSERT INTO leak_masked VALUES (1, 'hidden'), (2, 'hidden'), (3, 'hidden'), (4, 'hidden');
GRANT SELECT ON leak_masked TO PUBLIC;
SECURITY LABEL FOR dataclass ON COLUMN leak_masked.body IS 'secret mask';
SET ROLE regress_leaks_high;
DECLARE held_high CURSOR WITH HOLD FOR SELECT * FROM leak_masked ORDER BY id;
DECLARE held_id CURSOR WITH HOLD FOR SELECT id FROM leak_masked ORDER BY id;
SET ROLE regress_leaks_low;
DECLARE held_low CURSOR WITH HOLD FOR SELECT * FROM leak_masked ORDER BY id;
FETCH 1 FROM held_high;								-- fail: holds values
FETCH 1 FROM held_id;								-- ok: the column was not read
FETCH 1 FROM held_low;								-- ok: masked
SET ROLE regress_leaks_high;
FETCH 1 FROM held_high;								-- ok
FETCH 1 FROM held_low;								-- ok: masked when it was read
SET ROLE regress_leaks_low;
FETCH 1 FROM held_low;								-- ok: still
RESET ROLE;
CLOSE ALL;
-- not held
SET ROLE regress_leaks_high;
BEGIN;
DECLARE scan CURSOR FOR SELECT * FROM leak_masked;
DECLARE sort CURSOR FOR SELECT * FROM leak_masked ORDER BY id;
FETCH 1 FROM scan;									-- ok
FETCH 1 FROM sort;									-- ok
SET LOCAL ROLE regress_leaks_low;
SAVEPOINT s;
FETCH 1 FROM scan;									-- ok: masked for each row
ROLLBACK TO s;
FETCH 1 FROM sort;									-- fail: has values in its sort
ROLLBACK;
RESET ROLE;
-- labeled after it was read
CREATE TABLE leak_later (id int, body text);
INSERT INTO leak_later VALUES (1, 'hidden');
GRANT SELECT ON leak_later TO PUBLIC;
SET ROLE regress_leaks_low;
DECLARE held_later CURSOR WITH HOLD FOR SELECT * FROM leak_later;
RESET ROLE;
SECURITY LABEL FOR dataclass ON COLUMN leak_later.body IS 'secret mask';
SET ROLE regress_leaks_low;
FETCH ALL FROM held_later;							-- fail: not masked when it was read
RESET ROLE;
CLOSE ALL;
SET ROLE regress_boss;
DROP TABLE leak_masked, leak_later;
RESET ROLE;
DROP ROLE regress_leaks_low, regress_leaks_high;
