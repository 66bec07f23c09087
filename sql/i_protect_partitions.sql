-- dataclass.protect() on partitioned tables and inheritance trees; ceilings of a past era
INSERT INTO dataclass.compartment (name) VALUES ('ward'), ('ward.b');
CREATE SCHEMA protect;
GRANT ALL ON SCHEMA protect TO PUBLIC;
SET search_path = protect, public;
CREATE ROLE protect_owner;
CREATE ROLE protect_other;
CREATE ROLE protect_officer;
CREATE ROLE protect_low;
GRANT dataclass_officer TO protect_officer;
SECURITY LABEL FOR dataclass ON ROLE protect_officer IS 'secret:ward with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE protect_low IS 'restricted';
CREATE VIEW protect_state AS SELECT c.relname,
		(SELECT attname FROM pg_attribute a WHERE a.attrelid = c.oid AND atttypid = 'dataclass.label'::regtype AND NOT attisdropped) AS col,
		(SELECT string_agg(replace(pg_get_constraintdef(k.oid), dataclass.policy_era(), 'ERA') || CASE WHEN coninhcount > 0 THEN ' inherited' ELSE '' END, ', ')
			FROM pg_constraint k WHERE conrelid = c.oid AND contype = 'c' AND convalidated) AS ceiling,
		c.relrowsecurity AS rls, c.relforcerowsecurity AS forced,
		(SELECT label FROM pg_seclabels l WHERE l.objoid = c.oid AND l.objsubid = 0 AND provider = 'dataclass') AS label,
		p.root, p.column_added AS added
	FROM pg_class c LEFT JOIN dataclass.protected p ON p.relation = c.oid
	WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'protect'::regnamespace AND c.relname ~ '^(log|base)' ORDER BY c.relname;

-- partitions, of several owners
SET ROLE protect_owner;
CREATE TABLE log (id int, body text) PARTITION BY RANGE (id);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (100);
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
CREATE TABLE log_2a PARTITION OF log_2 FOR VALUES FROM (100) TO (150);
GRANT ALL ON log, log_1, log_2a TO PUBLIC;
RESET ROLE;
ALTER TABLE log_1 OWNER TO protect_other;
INSERT INTO log SELECT i, 'log ' || i FROM generate_series(0, 149) i;
SET ROLE protect_officer;
SELECT dataclass.protect('log_1', 'confidential');					-- fail: a partition
SELECT dataclass.protect('log_2', 'confidential');					-- fail: a partition
SELECT dataclass.protect('log', 'confidential', index => true);		-- ok
RESET ROLE;
SELECT * FROM protect_state;
SELECT tablename, indexname FROM pg_indexes WHERE tablename LIKE 'log%' ORDER BY 1;
SET ROLE protect_officer;
SELECT tableoid::regclass, label, count(*) FROM log GROUP BY 1, 2 ORDER BY 1;
SET ROLE protect_low;
SELECT count(*) FROM log;											-- ok: none
SELECT count(*) FROM log_1;											-- ok: none
INSERT INTO log VALUES (1, 'low') RETURNING label;					-- ok
SELECT count(*) FROM log_1;											-- ok: his own
RESET ROLE;

-- a partition made later, and one attached
SET ROLE protect_owner;
CREATE TABLE log_2b PARTITION OF log_2 FOR VALUES FROM (150) TO (200);
CREATE TABLE log_3 (id int, body text);
SET ROLE protect_officer;
SELECT dataclass.protect('log_3', 'confidential');					-- ok: by itself
RESET ROLE;
SELECT dataclass.set_label('role', current_user, 'secret:ward with (declassify)');
ALTER TABLE log ATTACH PARTITION log_3 FOR VALUES FROM (200) TO (300);	-- ok: it has the ceiling
SET ROLE protect_officer;
SELECT dataclass.protect('log', 'secret');							-- ok: all of the tree
RESET ROLE;
SELECT * FROM protect_state;
SET ROLE protect_officer;
SELECT dataclass.protect('log', 'public');							-- fail: rows above
SELECT dataclass.unprotect('log_2b');								-- fail: a partition
SELECT dataclass.unprotect('log');									-- ok
RESET ROLE;
SELECT * FROM protect_state;
SELECT count(*) FROM dataclass.protected;
SELECT indexname FROM pg_indexes WHERE tablename LIKE 'log%';
SET ROLE protect_low;
SELECT count(*) FROM log;											-- ok: all of them
SELECT count(*) FROM log_1;											-- ok
RESET ROLE;
DROP TABLE log;

-- inheritance: a child has the column already
CREATE TABLE base (id int);
CREATE TABLE base_child (label dataclass.label) INHERITS (base);
CREATE TABLE base_policy () INHERITS (base);
CREATE POLICY p ON base_policy USING (true);
ALTER TABLE base_policy ENABLE ROW LEVEL SECURITY;
INSERT INTO base VALUES (1);
INSERT INTO base_child VALUES (2, 'restricted'), (3, 'secret');
SELECT dataclass.protect('base', 'confidential');					-- fail: a row of the child is above
SELECT dataclass.protect('base', 'secret');							-- ok
SELECT * FROM protect_state;
SELECT tableoid::regclass, id, label FROM base ORDER BY id;
SELECT dataclass.unprotect('base');									-- ok: the child keeps its column
SELECT * FROM protect_state;
SELECT dataclass.protect('base_child', 'secret');					-- fail: a child
SELECT dataclass.protect('base', 'secret');							-- ok

-- another era: the constraint proves nothing until it is renewed
SELECT dataclass.policy_era() AS era \gset
INSERT INTO dataclass.compartment (name) VALUES ('protect');
DELETE FROM dataclass.compartment WHERE name = 'protect';
SELECT dataclass.policy_era() = :'era' AS same;
CREATE TABLE by_hand (id int, label dataclass.label, CONSTRAINT mine CHECK (dataclass.row_within(label, 'restricted', 'long ago')) NO INHERIT);
INSERT INTO by_hand VALUES (1, 'open');
SELECT * FROM dataclass.renew_ceilings('by_hand');					-- ok
SELECT connoinherit, convalidated, replace(pg_get_constraintdef(oid), dataclass.policy_era(), 'ERA') FROM pg_constraint WHERE conname = 'mine';
SELECT * FROM dataclass.renew_ceilings();							-- ok: the other
SELECT * FROM dataclass.renew_ceilings();							-- ok: nothing to do
SELECT * FROM protect_state;
-- the classes change places: what was within is not any more
BEGIN;
UPDATE dataclass.data_class SET rank = 99 WHERE name = 'restricted';
SELECT * FROM dataclass.renew_ceilings('base');						-- ok: said, not renewed
SELECT dataclass.protect('base', 'secret');							-- fail: rows above
ROLLBACK;
DELETE FROM base_child;
DROP VIEW protect_state;
SECURITY LABEL FOR dataclass ON TABLE by_hand IS 'restricted';
DROP TABLE base, base_child, base_policy, by_hand;
SELECT count(*) FROM dataclass.protected;
SELECT dataclass.set_label('role', current_user, NULL);
DROP SCHEMA protect;
DELETE FROM dataclass.row_label WHERE label ~ 'ward';
DELETE FROM dataclass.compartment WHERE name ~ '^ward';
DROP ROLE protect_owner, protect_other, protect_officer, protect_low;
