-- Writes to row-labeled foreign tables, with triggers: core evaluates no check options there
CREATE ROLE writes_clerk;
CREATE ROLE writes_boss SUPERUSER;
SECURITY LABEL FOR dataclass ON ROLE writes_clerk IS 'public..restricted';
SECURITY LABEL FOR dataclass ON ROLE writes_boss IS 'secret with (declassify, reclassify)';
CREATE SCHEMA writes_ft;
GRANT ALL ON SCHEMA writes_ft TO PUBLIC;
SET search_path = writes_ft, public;
CREATE EXTENSION postgres_fdw;
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS host, current_database() AS db, current_user AS me \gset
CREATE SERVER writes_loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'port', dbname :'db');
CREATE USER MAPPING FOR PUBLIC SERVER writes_loop OPTIONS (user :'me', password_required 'false');
GRANT USAGE ON FOREIGN SERVER writes_loop TO PUBLIC;
CREATE TABLE remote (id int PRIMARY KEY, note text, label text);
CREATE TABLE remote_2 (id int PRIMARY KEY, note text, label text);
INSERT INTO remote VALUES (1, '', 'public'), (2, '', 'restricted'), (3, '', 'secret'), (4, '', 'open');
SET ROLE writes_boss;
CREATE FOREIGN TABLE doc (id int, note text, label dataclass.label) SERVER writes_loop OPTIONS (table_name 'remote', schema_name 'writes_ft');
SECURITY LABEL FOR dataclass ON FOREIGN TABLE doc IS 'secret';
CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.note LIKE '%!' THEN
		NEW.label := rtrim(NEW.note, '!');
	END IF;
	RETURN NEW;
END $$;
GRANT ALL ON doc TO PUBLIC;
SET ROLE writes_clerk;
\set VERBOSITY terse
-- without triggers
INSERT INTO doc VALUES (10, 'x', 'public');								-- ok
INSERT INTO doc VALUES (11, 'x', 'secret');								-- fail: above
INSERT INTO doc VALUES (11, 'x', 'open');								-- fail: below the floor
INSERT INTO doc VALUES (11, 'x', NULL);									-- fail: null
UPDATE doc SET label = 'restricted' WHERE id = 1;						-- fail: raises
UPDATE doc SET label = 'public' WHERE id = 2;							-- fail: lowers
UPDATE doc SET note = 'x' WHERE id = 4;									-- fail: below the floor
UPDATE doc SET note = 'x' WHERE id = 3 RETURNING id;					-- ok: no row, hidden
DELETE FROM doc WHERE id = 4;											-- fail: below the floor
COPY doc FROM STDIN;													-- fail: line 2
11	x	public
12	x	secret
\.
COPY doc FROM STDIN;													-- ok
11	x	public
\.
-- with
SET ROLE writes_boss;
CREATE TRIGGER put BEFORE INSERT OR UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION put();
SET ROLE writes_clerk;
INSERT INTO doc VALUES (12, 'secret!', 'public');						-- fail: above
INSERT INTO doc VALUES (12, 'open!', 'public');							-- fail: below the floor
INSERT INTO doc VALUES (12, 'restricted!', 'public') RETURNING label;	-- ok
UPDATE doc SET note = 'public!' WHERE id = 12;							-- fail: lowers
UPDATE doc SET note = 'secret!' WHERE id = 12;							-- fail: above
UPDATE doc SET note = 'restricted!!' WHERE id = 12 RETURNING label;		-- ok
COPY doc FROM STDIN;													-- fail: line 2
13	x	public
14	secret!	public
\.
COPY doc FROM STDIN;													-- ok
13	restricted!	public
\.
SET ROLE writes_boss;
UPDATE doc SET note = 'secret!' WHERE id = 13 RETURNING label;			-- ok
-- partitions
CREATE TABLE part (id int, note text, label dataclass.label) PARTITION BY RANGE (id);
SECURITY LABEL FOR dataclass ON TABLE part IS 'secret';
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE FOREIGN TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20) SERVER writes_loop OPTIONS (table_name 'remote_2', schema_name 'writes_ft');
GRANT ALL ON part, part_1, part_2 TO PUBLIC;
SET ROLE writes_clerk;
INSERT INTO part VALUES (1, 'x', 'public'), (11, 'x', 'public');		-- ok
INSERT INTO part VALUES (12, 'x', 'secret');							-- fail: above
UPDATE part SET id = 12, label = 'restricted' WHERE id = 1;				-- fail: raises, on its way
UPDATE part SET label = 'restricted' WHERE id = 11;						-- fail: raises
UPDATE part SET id = 12 WHERE id = 1;									-- ok: moves there
COPY part FROM STDIN;													-- fail: line 1
13	x	secret
\.
SET ROLE writes_boss;
CREATE TRIGGER put BEFORE INSERT ON part_2 FOR EACH ROW EXECUTE FUNCTION put();
SET ROLE writes_clerk;
INSERT INTO part VALUES (14, 'x', 'public');							-- fail: the trigger would come last
COPY part FROM STDIN;													-- fail: the same
14	secret!	public
\.
INSERT INTO part_2 VALUES (14, 'secret!', 'public');					-- fail: above
INSERT INTO part_2 VALUES (14, 'x', 'public');							-- ok
INSERT INTO part_1 VALUES (2, 'secret!', 'public');						-- ok
UPDATE part SET id = 15 WHERE id = 2;									-- fail: the trigger would come last
UPDATE part SET note = 'y' WHERE id = 2;								-- ok
-- labels that a foreign table generates
SET ROLE writes_boss;
CREATE FOREIGN TABLE gen (id int, note text, label dataclass.label GENERATED ALWAYS AS ('public') STORED) SERVER writes_loop OPTIONS (table_name 'remote_2', schema_name 'writes_ft');
SECURITY LABEL FOR dataclass ON FOREIGN TABLE gen IS 'secret';
GRANT ALL ON gen TO PUBLIC;
SET ROLE writes_clerk;
INSERT INTO gen VALUES (16, 'x');										-- fail: cannot be checked
UPDATE gen SET note = 'x' WHERE id = 14;								-- fail: cannot be checked
DELETE FROM gen WHERE id = 14;											-- ok
\set VERBOSITY default
RESET ROLE;
SELECT * FROM remote ORDER BY id;
SELECT * FROM remote_2 ORDER BY id;
SET ROLE writes_boss;
\set VERBOSITY terse
SET client_min_messages = warning;
DROP TABLE part;
DROP FOREIGN TABLE doc, gen;
RESET ROLE;
DROP SCHEMA writes_ft CASCADE;
DROP ROLE writes_clerk, writes_boss;
