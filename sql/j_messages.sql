-- Error details: constraint messages quote no value that the subject may not read
CREATE ROLE regress_leaks_low;
CREATE ROLE regress_leaks_bypass BYPASSRLS;
CREATE ROLE regress_leaks_high;
CREATE ROLE regress_leaks_owner;
SECURITY LABEL FOR dataclass ON ROLE regress_leaks_low IS 'restricted';
SECURITY LABEL FOR dataclass ON ROLE regress_leaks_bypass IS 'restricted';
SECURITY LABEL FOR dataclass ON ROLE regress_leaks_high IS 'secret';
CREATE SCHEMA leaks AUTHORIZATION regress_leaks_owner;
GRANT ALL ON SCHEMA leaks TO PUBLIC;
SET search_path = leaks, public;
SET ROLE regress_leaks_owner;
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL CHECK (name <> 'bad'), code text, age int);
INSERT INTO person VALUES (1, 'a', 'hidden-1', 10), (2, 'b', 'hidden-2', 20), (3, 'c', 'hidden-2', 30);
CREATE VIEW young AS SELECT id, name, age FROM person WHERE age < 50 WITH CHECK OPTION;
CREATE TABLE visit (id int PRIMARY KEY, span int4range, label dataclass.label NOT NULL,
	EXCLUDE USING gist (span WITH &&));
CREATE TABLE part (id int, label dataclass.label NOT NULL) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, span int4range, code text,
	EXCLUDE USING gist (span WITH &&) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE late_child (id int REFERENCES person DEFERRABLE INITIALLY DEFERRED, code text);
SET ROLE regress_boss;
CREATE TABLE note (id int, visit int REFERENCES visit DEFERRABLE);
GRANT ALL ON ALL TABLES IN SCHEMA leaks TO PUBLIC;
RESET ROLE;
SECURITY LABEL FOR dataclass ON COLUMN person.code IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE visit IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE part IS 'secret';
SECURITY LABEL FOR dataclass ON COLUMN late.code IS 'secret';
SET ROLE regress_leaks_high;
INSERT INTO visit VALUES (1, '[1,5)', 'restricted'), (2, '[10,15)', 'secret');	-- ok
INSERT INTO note VALUES (1, 2);						-- ok
INSERT INTO late VALUES (1, '[1,5)', 'hidden-late');	-- ok
-- the column's value stays out of the row that failed
SET ROLE regress_leaks_low;
UPDATE person SET name = NULL WHERE id = 1;			-- fail: null, no values
UPDATE person SET name = 'bad' WHERE id = 1;		-- fail: check, no values
UPDATE person SET id = 2 WHERE id = 1;				-- fail: key, no values
UPDATE young SET age = 60 WHERE id = 1;				-- fail: check option, no values
SET ROLE regress_leaks_high;
UPDATE person SET name = NULL WHERE id = 1;			-- fail: null, all values for the cleared
UPDATE young SET age = 60 WHERE id = 1;				-- fail: check option, all values
-- keys of rows that are hidden; core spares the BYPASSRLS role and the superuser nothing
SET ROLE regress_leaks_bypass;
INSERT INTO visit VALUES (2, '[50,51)', 'restricted');	-- fail: key of a hidden row
INSERT INTO visit VALUES (3, '[12,13)', 'restricted');	-- fail: overlaps a hidden row
INSERT INTO part VALUES (2, 'restricted');			-- fail: no partition
INSERT INTO part_1 VALUES (2, 'restricted');		-- fail: not in this partition
INSERT INTO note VALUES (2, 77);					-- fail: no such visit
COPY visit FROM STDIN;								-- fail: overlaps a hidden row
3	[12,13)	restricted
\.
RESET ROLE;
INSERT INTO visit VALUES (3, '[12,13)', 'open');	-- fail: the same by a superuser without clearance
UPDATE person SET name = NULL WHERE id = 1;			-- fail: null, no values
-- nor can the details be caught
DO $$
DECLARE
	said text;
BEGIN
	UPDATE leaks.person SET name = NULL WHERE id = 1;
EXCEPTION WHEN not_null_violation THEN
	GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
	RAISE NOTICE 'caught: %', said;
END $$;												-- ok: nothing to see
-- deferred: checked at commit, where no statement runs; also right after an error
SET ROLE regress_leaks_low;
INSERT INTO late (id) VALUES (1);					-- fail: at once after the statement
SELECT 1/0;											-- fail: to begin from an error
BEGIN;
INSERT INTO late (id, span) VALUES (2, '[2,3)');	-- ok for now
COMMIT;												-- fail: overlaps
SELECT 'no such' AS number FROM nowhere;			-- fail: an error outside of execution
BEGIN;
INSERT INTO late_child VALUES (5, NULL);			-- ok for now
SET CONSTRAINTS ALL IMMEDIATE;						-- fail: no such key
ROLLBACK;
INSERT INTO late_child VALUES (5, NULL);			-- fail: at commit
INSERT INTO late_child VALUES (1, NULL);			-- ok
DELETE FROM person WHERE id = 1;					-- fail: at commit, still referenced
SET ROLE regress_leaks_high;
DELETE FROM person WHERE id = 1;					-- fail: the same, with the key for the cleared
INSERT INTO late (id) VALUES (1);					-- fail: with values for the cleared
-- commands of an owner who is not cleared are refused before they look
SET ROLE regress_leaks_owner;
CREATE UNIQUE INDEX ON person (code);				-- fail: needs the clearance
ALTER TABLE person ADD UNIQUE (code);				-- fail: needs the clearance
CREATE TABLE codes (code text PRIMARY KEY);
ALTER TABLE person ADD FOREIGN KEY (code) REFERENCES codes;	-- fail: the same
RESET ROLE;
CREATE UNIQUE INDEX ON person (code);				-- fail: the same by a superuser
-- what nobody labeled stays as it is, and so do details of functions
CREATE TABLE free (id int PRIMARY KEY);
INSERT INTO free VALUES (1);
INSERT INTO free VALUES (1);						-- fail: with the key
DO $$ BEGIN RAISE check_violation USING DETAIL = 'own words'; END $$;	-- fail: in its own words
SET ROLE regress_boss;
SET client_min_messages = warning;
DROP SCHEMA leaks CASCADE;
RESET ROLE;
DROP ROLE regress_leaks_low, regress_leaks_bypass, regress_leaks_high, regress_leaks_owner;
