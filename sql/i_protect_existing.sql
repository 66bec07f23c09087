-- dataclass.protect() on tables that have a label column, flags and labels already, and on what cannot be protected
INSERT INTO dataclass.compartment (name) VALUES ('ward'), ('ward.b');
CREATE SCHEMA protect;
GRANT ALL ON SCHEMA protect TO PUBLIC;
SET search_path = protect, public;
CREATE ROLE protect_owner;
CREATE ROLE protect_officer;
GRANT dataclass_officer TO protect_officer;
SECURITY LABEL FOR dataclass ON ROLE protect_officer IS 'secret:ward with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE protect_owner IS 'secret:ward';
SELECT dataclass.create_label('confidential:ward');
SET ROLE protect_owner;

-- a column, a default, flags and a policy of its own
CREATE TABLE kept (id int PRIMARY KEY, cls dataclass.label DEFAULT 'restricted');
INSERT INTO kept SELECT i, (ARRAY['open', 'restricted', 'confidential:ward'])[i % 3 + 1]::dataclass.label FROM generate_series(1, 30) i;
CREATE POLICY everybody ON kept USING (id > 0);
ALTER TABLE kept ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON kept TO protect_officer;
SET ROLE protect_officer;
SELECT dataclass.protect('kept', 'restricted', 'cls');				-- fail: rows above
SELECT dataclass.protect('kept', 'confidential:ward');			-- fail: another label column
SELECT dataclass.protect('kept', 'confidential:ward', 'id');		-- fail: another label column, and a wrong type
SELECT count(*) FROM dataclass.protected;
SELECT dataclass.protect('kept', 'confidential:ward', 'cls', true);	-- ok
SELECT "column", column_added, default_before, not_null_before, rls_was_enabled, rls_was_forced, index_name FROM dataclass.protected;
SELECT cls, count(*) FROM kept GROUP BY cls ORDER BY 2, cls::text COLLATE "C";		-- rows keep their labels
RESET ROLE;
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'kept'::regclass;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'kept'::regclass;
SET ROLE protect_officer;
SELECT dataclass.unprotect('kept');									-- ok: the column stays
RESET ROLE;
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'kept'::regclass;
SELECT attnotnull FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attname = 'cls';
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'kept'::regclass;	-- both: it still has row labels
SELECT indexname FROM pg_indexes WHERE tablename = 'kept' ORDER BY 1;
SELECT conname FROM pg_constraint WHERE conrelid = 'kept'::regclass;
SELECT count(*) FROM pg_seclabels WHERE objname ~ 'kept';
SET ROLE protect_officer;
SELECT cls, count(*) FROM kept GROUP BY cls ORDER BY 2, cls::text COLLATE "C";

-- rows without a label get it; a label that the table had comes back
RESET ROLE;
CREATE TABLE filled (id int, label dataclass.label) WITH (autovacuum_enabled = off);
ALTER TABLE filled OWNER TO protect_owner;
CREATE TABLE plain (id int);
INSERT INTO plain SELECT generate_series(1, 20);
ALTER TABLE plain ADD COLUMN label dataclass.label;				-- all null
SECURITY LABEL FOR dataclass ON TABLE plain IS 'restricted';
GRANT SELECT ON plain TO protect_officer;
SET ROLE protect_officer;
SELECT count(*) FROM plain;											-- nobody sees rows without a label
SELECT dataclass.protect('plain', 'confidential:ward');			-- ok
SELECT label, count(*) FROM plain GROUP BY label;
SELECT label_before, not_null_before FROM dataclass.protected WHERE relation = 'plain'::regclass;
SELECT dataclass.protect('filled', 'restricted');					-- ok: no rows
SELECT dataclass.unprotect('plain');								-- ok
RESET ROLE;
SELECT label FROM pg_seclabels WHERE objname ~ 'plain$';				-- as it was
SELECT attnotnull FROM pg_attribute WHERE attrelid = 'plain'::regclass AND attname = 'label';

-- rows whose label is not registered
SET ROLE protect_officer;
SELECT dataclass.create_label('restricted:ward.b');
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE protect_officer IS 'secret:ward,ward.b with (declassify, reclassify)';
SET ROLE protect_officer;
CREATE TABLE stray (id int, label dataclass.label);
INSERT INTO stray VALUES (1, 'restricted:ward.b'), (2, 'open');
DELETE FROM dataclass.row_label WHERE label = 'restricted:ward.b';
SELECT dataclass.protect('stray', 'secret:ward,ward.b');			-- fail

-- what cannot be protected
RESET ROLE;
CREATE VIEW seen AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW stored AS SELECT 1 AS x;
CREATE SEQUENCE counted;
CREATE TYPE pair AS (a int, b int);
CREATE TABLE typed OF pair;
CREATE TABLE wrong (id int, label text);
CREATE TABLE generated (id int, label dataclass.label GENERATED ALWAYS AS ('open'::dataclass.label) STORED);
CREATE FOREIGN DATA WRAPPER protect_fdw;
CREATE SERVER protect_server FOREIGN DATA WRAPPER protect_fdw;
CREATE TABLE parent (id int);
CREATE FOREIGN TABLE far () INHERITS (parent) SERVER protect_server;
SELECT dataclass.protect('seen', 'restricted');						-- fail: view
SELECT dataclass.protect('stored', 'restricted');					-- fail: materialized view
SELECT dataclass.protect('counted', 'restricted');					-- fail: sequence
SELECT dataclass.protect('pg_class', 'restricted');					-- fail: catalog
SELECT dataclass.protect('dataclass.era', 'restricted');			-- fail: ours
SELECT dataclass.protect('typed', 'restricted');					-- fail: typed table
SELECT dataclass.protect('wrong', 'restricted');					-- fail: type of the column
SELECT dataclass.protect('generated', 'restricted');				-- fail: generated
SELECT dataclass.protect('far', 'restricted');						-- fail: foreign
SELECT dataclass.protect('parent', 'restricted');					-- fail: foreign below
SELECT dataclass.protect(0, 'restricted');							-- fail: none
SELECT dataclass.protect('wrong', 'restricted', 'ctid');			-- fail: system column
BEGIN READ ONLY;
SELECT dataclass.protect('wrong', 'restricted', 'cls');				-- fail: read only
ROLLBACK;
SELECT dataclass.protect('wrong', 'restricted', 'odd "name');		-- ok: any name
SET ROLE protect_officer;
SELECT dataclass.unprotect('wrong');								-- ok
RESET ROLE;
DROP SERVER protect_server CASCADE;
DROP FOREIGN DATA WRAPPER protect_fdw;
DROP VIEW seen;
DROP MATERIALIZED VIEW stored;
DROP SEQUENCE counted;
SELECT dataclass.set_label('role', current_user, 'secret:ward');
SELECT count(dataclass.set_label(t::regclass, 'secret:ward')) FROM unnest(ARRAY['kept', 'generated', 'stray']) t;	-- now cleared for all they can hold
DROP TABLE typed, wrong, generated, parent, filled, plain, kept, stray;
DROP TYPE pair;
SELECT dataclass.set_label('role', current_user, NULL);
SELECT count(*) FROM dataclass.protected;
DROP SCHEMA protect;
DELETE FROM dataclass.row_label WHERE label ~ 'ward';
DELETE FROM dataclass.compartment WHERE name ~ '^ward';
DROP ROLE protect_owner, protect_officer;
