-- Trusted procedures, membership, passwords, settings
CREATE FUNCTION patients_total() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM clinic.patient';
ALTER FUNCTION patients_total() OWNER TO regress_owner;
SET ROLE regress_clerk;
SELECT patients_total();							-- fail
RESET ROLE;
SECURITY LABEL FOR dataclass ON FUNCTION patients_total() IS 'confidential:health';	-- fail: not that grammar
SECURITY LABEL FOR dataclass ON FUNCTION patients_total() IS 'trusted confidential:health';	-- ok
SET ROLE regress_clerk;
SELECT patients_total();							-- ok
SELECT count(*) FROM clinic.patient;				-- fail: only inside
DO $$ BEGIN PERFORM patients_total(); PERFORM FROM clinic.patient; END $$;	-- fail: only inside
SET ROLE regress_owner;
CREATE OR REPLACE FUNCTION patients_total() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) FROM clinic.patient';	-- fail
ALTER FUNCTION patients_total() SECURITY DEFINER;	-- fail
RESET ROLE;
-- handing out clearance is an officer's act
CREATE ROLE regress_cr CREATEROLE;
SET ROLE regress_cr;
GRANT regress_doctor TO regress_clerk;				-- fail
CREATE ROLE regress_new IN ROLE regress_doctor;		-- fail
ALTER ROLE regress_doctor PASSWORD 'x';				-- fail
SECURITY LABEL FOR dataclass ON ROLE regress_cr IS 'secret';	-- fail
GRANT dataclass_officer TO regress_cr;				-- fail
RESET ROLE;
CREATE ROLE regress_nurse;
GRANT regress_doctor TO regress_nurse;				-- ok
SET ROLE regress_nurse;
SELECT count(*) FROM clinic.patient_view;			-- ok: inherited clearance
RESET ROLE;
ALTER ROLE regress_nurse NOINHERIT;
SET ROLE regress_nurse;
SELECT count(*) FROM clinic.patient_view;			-- fail: not inherited any more
RESET ROLE;
-- settings come from the file
SET dataclass.enforcement = off;					-- fail
ALTER ROLE regress_clerk SET dataclass.enforcement = off;	-- fail
SET dataclass.at_rest_enforcement = 'sometimes';	-- fail
SET dataclass.no_such_thing = 1;					-- fail
LOAD 'pg_dataclass';								-- ok: already there
SET ROLE regress_clerk;
LOAD '$libdir/plugins/nothing';						-- fail
-- who am I
SELECT role, session_role = current_setting('session_authorization') AS s, clearance, privileges, officer, enforcement FROM dataclass.session();
SELECT object, allowed, verdict, rule, label, reason FROM dataclass.explain_access('regress_clerk', 'clinic.patient', 'SELECT');
SELECT * FROM dataclass.explain_access('regress_doctor', 'clinic.patient', 'SELECT');	-- fail: about another role
SELECT * FROM dataclass.explain_access('regress_clerk', 'clinic.patient', 'FLY');	-- fail
RESET ROLE;
SELECT object, allowed, rule, label, clearance, reason FROM dataclass.explain_access('regress_doctor', 'clinic.patient', 'INSERT');
SELECT object, allowed, rule FROM dataclass.explain_access('regress_registrar', 'clinic.patient');
-- policy
SET ROLE regress_clerk;
INSERT INTO dataclass.compartment VALUES ('mine');	-- fail
SELECT * FROM dataclass.compartment;				-- fail
SET ROLE regress_officer;
INSERT INTO dataclass.data_class (name, rank, required_tier) VALUES ('ultra', 9, 'highest');	-- ok
SELECT label FROM dataclass.row_label WHERE label = 'ultra';	-- registered by itself
DELETE FROM dataclass.data_class WHERE name = 'ultra';	-- ok
DELETE FROM dataclass.row_label WHERE label = 'ultra';	-- ok: registered with the class
RESET ROLE;
INSERT INTO dataclass.data_class (name, rank, required_tier) VALUES ('Bad Name', 9, 'highest');	-- fail
-- publications
CREATE PUBLICATION p FOR TABLE clinic.patient;		-- fail
CREATE PUBLICATION p FOR ALL TABLES;				-- fail
-- what PUBLIC may execute
\pset footer off
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE n.nspname LIKE 'dataclass%' AND p.proacl IS NULL ORDER BY p.oid::regprocedure::text COLLATE "C";
\pset footer on
