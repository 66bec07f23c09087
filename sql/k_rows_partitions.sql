-- Partitions and inheritance children: through the parent and by name
CREATE ROLE matrix_pt_reader;
CREATE ROLE matrix_pt_owner;
CREATE ROLE matrix_pt_superuser SUPERUSER;							-- not cleared
CREATE ROLE matrix_pt_cleared;
SECURITY LABEL FOR dataclass ON ROLE matrix_pt_cleared IS 'secret with (reclassify, declassify)';	-- ok
CREATE SCHEMA matrix_pt;
GRANT ALL ON SCHEMA matrix_pt TO PUBLIC;								-- ok
SET search_path = matrix_pt, public;									-- ok
SET ROLE matrix_pt_owner;
CREATE TABLE part (id int, body text, label dataclass.label NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20) PARTITION BY LIST (id);
CREATE TABLE part_2a PARTITION OF part_2 DEFAULT;
CREATE TABLE up (id int, body text, label dataclass.label NOT NULL);
CREATE TABLE down (extra text) INHERITS (up);
CREATE TABLE plain (id int, body text);
CREATE TABLE plain_row (label dataclass.label NOT NULL) INHERITS (plain);	-- the parent has no labels
CREATE TABLE tab (id int, body text) PARTITION BY LIST (id);
CREATE TABLE tab_open PARTITION OF tab FOR VALUES IN (1);
CREATE TABLE tab_secret PARTITION OF tab FOR VALUES IN (2);		-- this one will be labelled
CREATE TABLE col (id int, body text) PARTITION BY LIST (id);
CREATE TABLE col_1 PARTITION OF col FOR VALUES IN (1);
CREATE TABLE tab_up (id int, body text);
CREATE TABLE tab_down (extra text) INHERITS (tab_up);
CREATE TABLE col_up (id int, body text);
CREATE TABLE col_down (extra text) INHERITS (col_up);
CREATE TABLE free (id int, body text, label dataclass.label NOT NULL) PARTITION BY LIST (id);
CREATE TABLE free_1 PARTITION OF free FOR VALUES IN (1);		-- this one will have a ceiling below secret
CREATE TABLE free_2 PARTITION OF free FOR VALUES IN (2);
GRANT ALL ON ALL TABLES IN SCHEMA matrix_pt TO PUBLIC;				-- ok
INSERT INTO tab VALUES (1, 'open'), (2, 'secret');				-- ok
INSERT INTO col VALUES (1, 'secret');							-- ok
INSERT INTO tab_down VALUES (1, 'secret');						-- ok
INSERT INTO col_down VALUES (1, 'secret');						-- ok
INSERT INTO plain VALUES (1, 'open');							-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE part IS 'secret';			-- ok
SECURITY LABEL FOR dataclass ON TABLE up IS 'secret';			-- ok
SECURITY LABEL FOR dataclass ON TABLE plain_row IS 'secret';	-- ok
SECURITY LABEL FOR dataclass ON TABLE tab_secret IS 'secret';	-- ok
SECURITY LABEL FOR dataclass ON TABLE free_1 IS 'restricted';	-- ok
SECURITY LABEL FOR dataclass ON TABLE free_2 IS 'secret';		-- ok
SECURITY LABEL FOR dataclass ON COLUMN col.body IS 'secret';	-- ok
SECURITY LABEL FOR dataclass ON TABLE tab_up IS 'secret';		-- ok
SECURITY LABEL FOR dataclass ON COLUMN col_up.body IS 'secret';	-- ok
SET ROLE matrix_pt_cleared;
INSERT INTO part VALUES (1, 'a', 'open'), (2, 'a', 'secret'), (11, 'a', 'open'), (12, 'a', 'secret');	-- ok
INSERT INTO up VALUES (1, 'a', 'open'), (2, 'a', 'secret');		-- ok
INSERT INTO down VALUES (3, 'a', 'open', 'x'), (4, 'a', 'secret', 'x');	-- ok
INSERT INTO plain_row VALUES (5, 'a', 'open'), (6, 'a', 'secret');	-- ok
RESET ROLE;
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SELECT $statements$
SELECT id FROM part ORDER BY id;
SELECT id FROM part_1 ORDER BY id;
SELECT id FROM part_2 ORDER BY id;
SELECT id FROM part_2a ORDER BY id;
SELECT id FROM ONLY part;
SELECT id FROM part WHERE id = 12;
SELECT id FROM part ORDER BY id FOR UPDATE;
UPDATE part SET body = 'u' RETURNING id;
UPDATE part_2a SET body = 'u' RETURNING id;
UPDATE part SET id = id + 10 WHERE id < 10 RETURNING id;
DELETE FROM part WHERE id = 12 RETURNING id;
DELETE FROM part_2a WHERE id = 12 RETURNING id;
INSERT INTO part VALUES (3, 'i', 'open') RETURNING tableoid::regclass;
INSERT INTO part VALUES (3, 'i', 'secret') RETURNING tableoid::regclass;
INSERT INTO part_2a VALUES (13, 'i', 'secret') RETURNING id;
MERGE INTO part t USING (VALUES (1), (2)) v (n) ON t.id = v.n WHEN MATCHED THEN UPDATE SET body = 'm';
COPY part TO STDOUT;
COPY part_2a TO STDOUT;
SELECT id FROM up ORDER BY id;
SELECT id FROM ONLY up ORDER BY id;
SELECT id FROM down ORDER BY id;
UPDATE up SET body = 'u' RETURNING id;
DELETE FROM up RETURNING id;
SELECT id FROM plain_row ORDER BY id;
SELECT id FROM plain ORDER BY id;
SELECT id FROM ONLY plain;
SELECT id FROM tab ORDER BY id;
SELECT id FROM tab WHERE id = 1;
SELECT id FROM tab_open;
SELECT id FROM tab_secret;
UPDATE tab SET body = 'u';
INSERT INTO tab VALUES (2, 'i');
INSERT INTO tab VALUES (1, 'i') RETURNING tableoid::regclass;
UPDATE tab SET id = 2 WHERE id = 1;
MERGE INTO tab t USING (VALUES (3)) v (n) ON t.id = v.n WHEN NOT MATCHED THEN INSERT VALUES (2, 'm');
INSERT INTO free VALUES (1, 'i', 'secret') RETURNING id;
INSERT INTO free VALUES (2, 'i', 'public') RETURNING id;
SELECT id FROM col;
SELECT body FROM col;
SELECT body FROM col_1;
SELECT id FROM col_1;
SELECT id FROM tab_up;
SELECT id FROM tab_down;
DELETE FROM tab_up;
SELECT id FROM col_up;
SELECT body FROM col_up;
SELECT body FROM col_down;
SELECT id, extra FROM col_down;
UPDATE col_up SET body = 'u';
UPDATE col_up SET id = 2 RETURNING id;
$statements$ AS statements \gset
SET ROLE matrix_pt_reader;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_pt_owner;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_pt_superuser;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_pt_cleared;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
-- COPY FROM routes rows as INSERT does
SET ROLE matrix_pt_reader;
COPY tab FROM STDIN;											-- fail: might reach the labelled partition
2	c
\.
COPY tab_open FROM STDIN;										-- ok
1	c
\.
SET ROLE matrix_pt_cleared;
COPY tab FROM STDIN;											-- ok
2	c
\.
RESET ROLE;
-- new partitions and children are under the same labels
SET ROLE matrix_pt_owner;
CREATE TABLE part_3 PARTITION OF part FOR VALUES FROM (20) TO (30);	-- ok
CREATE TABLE down_2 () INHERITS (up);							-- ok
CREATE TABLE part_like (LIKE part INCLUDING ALL);				-- ok: a shape, no data
SELECT count(*) FROM part_3;									-- ok
SELECT count(*) FROM down_2;									-- ok
RESET ROLE;
SET ROLE regress_boss;										-- ok: cleared for all that they can hold
SET client_min_messages = warning;							-- ok
DROP SCHEMA matrix_pt CASCADE;										-- ok
RESET ROLE;														-- ok
DROP ROLE matrix_pt_reader, matrix_pt_owner, matrix_pt_superuser, matrix_pt_cleared;	-- ok
