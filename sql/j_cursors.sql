-- Cursors: rows that wait are for the subject they were read for, or one that may read as much
CREATE ROLE regress_leaks_low;
CREATE ROLE regress_leaks_high;
SECURITY LABEL FOR dataclass ON ROLE regress_leaks_low IS 'restricted';
SECURITY LABEL FOR dataclass ON ROLE regress_leaks_high IS 'secret';
CREATE TABLE leak_rows (id int, body text, label dataclass.label NOT NULL);
CREATE TABLE leak_table (id int, body text);
CREATE TABLE leak_column (id int, body text);
CREATE TABLE leak_free (id int, body text);
GRANT ALL ON leak_rows, leak_table, leak_column, leak_free TO PUBLIC;
SET ROLE regress_leaks_high;
INSERT INTO leak_rows VALUES (1, 'open', 'open'), (2, 'hidden', 'secret'), (3, 'open', 'restricted'), (4, 'hidden', 'secret');
INSERT INTO leak_table VALUES (1, 'hidden');
INSERT INTO leak_column VALUES (1, 'hidden');
INSERT INTO leak_free VALUES (1, 'free');
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE leak_rows IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE leak_table IS 'secret';
SECURITY LABEL FOR dataclass ON COLUMN leak_column.body IS 'secret';
-- held over commit, another role afterwards
SET ROLE regress_leaks_high;
DECLARE held_rows SCROLL CURSOR WITH HOLD FOR SELECT id, body FROM leak_rows ORDER BY id;
DECLARE held_table CURSOR WITH HOLD FOR SELECT * FROM leak_table;
DECLARE held_column CURSOR WITH HOLD FOR SELECT body FROM leak_column;
DECLARE held_other CURSOR WITH HOLD FOR SELECT id FROM leak_column;
DECLARE held_free SCROLL CURSOR WITH HOLD FOR SELECT body FROM leak_free;
FETCH 1 FROM held_rows;								-- ok
SET ROLE regress_leaks_low;
FETCH ALL FROM held_rows;							-- fail: rows of another subject
MOVE ALL FROM held_rows;							-- fail: not even their number
FETCH BACKWARD 1 FROM held_rows;					-- fail: nor those that were seen
FETCH ALL FROM held_table;							-- fail: table label
FETCH ALL FROM held_column;							-- fail: column label
FETCH ALL FROM held_other;							-- ok: the column was not read
FETCH ALL FROM held_free;							-- ok: nothing labeled
SELECT name FROM pg_cursors ORDER BY name;			-- ok: still there
-- PL/pgSQL names cursors past all commands
DO $$
DECLARE
	held refcursor := 'held_rows';
	body text;
BEGIN
	FETCH held INTO body;
	RAISE NOTICE 'got %', body;
END $$;												-- fail: sealed
-- back to who may read them
SET ROLE regress_leaks_high;
FETCH 1 FROM held_rows;								-- ok
SET dataclass.session_ceiling = 'restricted';
FETCH 1 FROM held_rows;								-- fail: narrowed
RESET dataclass.session_ceiling;
FETCH 1 FROM held_rows;								-- ok
SELECT set_config('role', 'regress_leaks_low', false);
FETCH 1 FROM held_rows;								-- fail: changed by a function
SET ROLE regress_leaks_high;
BEGIN;
SAVEPOINT s;
SET LOCAL ROLE regress_leaks_low;
FETCH 1 FROM held_rows;								-- fail: low within the transaction
ROLLBACK TO s;
FETCH 1 FROM held_rows;								-- ok: high again
COMMIT;
-- read in a role that the transaction takes back
RESET ROLE;
SET ROLE regress_leaks_low;
BEGIN;
RESET ROLE;
SET LOCAL ROLE regress_leaks_high;
DECLARE held_local CURSOR WITH HOLD FOR SELECT body FROM leak_rows;
COMMIT;
FETCH ALL FROM held_local;							-- fail: rows of the role of that transaction
CLOSE held_local;									-- ok
FETCH ALL FROM held_local;							-- fail: closed
-- the table is labeled higher afterwards
RESET ROLE;
SET ROLE regress_leaks_low;
DECLARE held_later SCROLL CURSOR WITH HOLD FOR SELECT * FROM leak_free;
FETCH 1 FROM held_later;							-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE leak_free IS 'confidential';
SET ROLE regress_leaks_low;
FETCH BACKWARD ALL FROM held_later;					-- fail: labeled meanwhile
RESET ROLE;
CLOSE ALL;
-- the table is gone
SET ROLE regress_leaks_high;
DECLARE held_gone CURSOR WITH HOLD FOR SELECT * FROM leak_table;
RESET ROLE;
SET ROLE regress_boss;
DROP TABLE leak_table;
SET ROLE regress_leaks_low;
FETCH ALL FROM held_gone;							-- fail: its label counts on
RESET ROLE;
SET ROLE regress_leaks_high;
FETCH ALL FROM held_gone;							-- ok
DISCARD ALL;
SET ROLE regress_leaks_low;
FETCH ALL FROM held_gone;							-- fail: discarded
RESET ROLE;
-- not held: a scan is decided row by row, a sort has its rows already
SET ROLE regress_leaks_high;
BEGIN;
DECLARE scan SCROLL CURSOR FOR SELECT id, body FROM leak_rows;
DECLARE sort CURSOR FOR SELECT id, body FROM leak_rows ORDER BY id DESC;
DECLARE sublink CURSOR FOR SELECT id, (SELECT min(body) FROM leak_rows) FROM leak_rows;
FETCH 2 FROM scan;									-- ok
FETCH 1 FROM sort;									-- ok
FETCH 1 FROM sublink;								-- ok
SET LOCAL ROLE regress_leaks_low;
FETCH ALL FROM scan;								-- ok: open rows only
FETCH BACKWARD ALL FROM scan;						-- ok: the same
SAVEPOINT s;
FETCH ALL FROM sort;								-- fail: holds hidden rows
ROLLBACK TO s;
FETCH ALL FROM sublink;								-- fail: holds a value made of them
ROLLBACK TO s;
SET LOCAL ROLE regress_leaks_high;
DECLARE sort_again CURSOR FOR SELECT id, body FROM leak_rows ORDER BY id DESC;
FETCH 1 FROM sort_again;							-- ok
SET LOCAL ROLE regress_leaks_low;
SET LOCAL ROLE regress_leaks_high;
FETCH 1 FROM sort_again;							-- ok: who began goes on
COMMIT;
-- began with little, went on with more, back again
SET ROLE regress_leaks_low;
BEGIN;
DECLARE joined CURSOR FOR SELECT a.id, b.body FROM leak_rows a, leak_rows b ORDER BY 1, 2;
FETCH 1 FROM joined;								-- ok
SET LOCAL ROLE regress_leaks_high;
FETCH 1 FROM joined;								-- ok: may read all that the cursor can hold
SET LOCAL ROLE regress_leaks_low;
FETCH 1 FROM joined;								-- fail: by now it may hold more
ROLLBACK;
RESET ROLE;
-- loops of PL/pgSQL over a transaction's end and through errors, by one and the same subject
CREATE PROCEDURE leak_loop(change bool) LANGUAGE plpgsql AS $$
DECLARE
	r record;
	seen text := '';
BEGIN
	FOR r IN SELECT id FROM leak_rows ORDER BY id LOOP
		seen := seen || ' ' || r.id;
		COMMIT;
		BEGIN
			PERFORM 1 / (r.id - 1);
		EXCEPTION WHEN division_by_zero THEN
			seen := seen || '!';
		END;
		IF change THEN
			SET ROLE regress_leaks_low;
		END IF;
	END LOOP;
	RAISE NOTICE 'seen:%', seen;
END $$;
SET ROLE regress_leaks_low;
CALL leak_loop(false);								-- ok: open rows
SET ROLE regress_leaks_high;
CALL leak_loop(false);								-- ok: all rows
CALL leak_loop(true);								-- fail: the rest is not for the other role
RESET ROLE;
DROP PROCEDURE leak_loop(bool);
SELECT count(*) > 5 AS recorded FROM dataclass_audit.denied WHERE object_type = 'cursor';	-- ok
SET ROLE regress_boss;
DROP TABLE leak_rows, leak_column, leak_free;
RESET ROLE;
DROP ROLE regress_leaks_low, regress_leaks_high;
