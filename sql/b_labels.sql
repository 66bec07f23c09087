-- SECURITY LABEL: who may label what with which text
CREATE SCHEMA clinic;
GRANT ALL ON SCHEMA clinic TO PUBLIC;
SET ROLE regress_owner;
CREATE TABLE clinic.patient (id int PRIMARY KEY, name text, cnic text);
INSERT INTO clinic.patient VALUES (1, 'Ayesha', '35201-0000001-1'), (2, 'Bilal', '35201-0000002-3');
GRANT ALL ON clinic.patient TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS 'confidential:health';	-- fail: owner is no officer
RESET ROLE;
SET ROLE regress_officer;
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS 'confidential:health';	-- fail: not the owner, core says so
SELECT dataclass.set_label('table', 'clinic.patient', 'confidential : HEALTH');	-- ok
RESET ROLE;
SELECT label FROM pg_seclabels WHERE objname = 'clinic.patient';
SET ROLE regress_clerk;
SELECT dataclass.set_label('table', 'clinic.patient', 'open');	-- fail: not an officer
RESET ROLE;
-- texts
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS 'topsecret';				-- fail: unknown class
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS 'secret:nope';				-- fail: unknown compartment
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS 'secret:health,';			-- fail: malformed
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS '';							-- fail: empty
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS 'secret with (export)';		-- fail: a clearance, not a label
SECURITY LABEL FOR dataclass ON ROLE regress_clerk IS 'secret..open';				-- fail: floor above ceiling
SECURITY LABEL FOR dataclass ON ROLE regress_clerk IS 'secret with (fly)';			-- fail: unknown privilege
SECURITY LABEL FOR dataclass ON COLUMN clinic.patient.cnic IS 'secret mask';		-- ok
SECURITY LABEL FOR dataclass ON COLUMN clinic.patient.cnic IS NULL;					-- fail: lowering
-- objects
SECURITY LABEL FOR dataclass ON TYPE int4 IS 'open';								-- fail: kind of object
SECURITY LABEL FOR dataclass ON TABLE pg_catalog.pg_class IS 'open';				-- fail: system relation
SECURITY LABEL FOR dataclass ON TABLE dataclass.tier IS 'open';						-- fail: ours
SECURITY LABEL FOR dataclass ON LANGUAGE sql IS 'open';								-- fail: kind of object
SELECT dataclass.set_label('index', 'clinic.patient_pkey', 'open');					-- fail: kind of object
SELECT dataclass.set_label('column', 'clinic.patient.none', 'open');				-- fail: no such column
-- lowering
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS 'open';						-- fail: needs declassify
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS NULL;						-- fail: removal is lowering
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS 'secret:health';			-- ok: raised
SET ROLE regress_boss;
SECURITY LABEL FOR dataclass ON TABLE clinic.patient IS 'confidential:health';		-- ok: has declassify
RESET ROLE;
-- rollback leaves nothing behind, in the cache neither
BEGIN;
SECURITY LABEL FOR dataclass ON ROLE regress_clerk IS 'secret:health';
SAVEPOINT s;
SET LOCAL ROLE regress_clerk;
SELECT count(id) FROM clinic.patient;	-- ok inside
ROLLBACK;
SET ROLE regress_clerk;
SELECT count(id) FROM clinic.patient;	-- fail again
RESET ROLE;
BEGIN;
SAVEPOINT s;
SECURITY LABEL FOR dataclass ON ROLE regress_clerk IS 'secret:health';
ROLLBACK TO s;
SET LOCAL ROLE regress_clerk;
SELECT count(id) FROM clinic.patient;	-- fail: the savepoint took it back
ROLLBACK;
-- inherited from schema and database
SECURITY LABEL FOR dataclass ON SCHEMA clinic IS 'restricted';	-- ok
CREATE TABLE clinic.fees (amount int);
GRANT ALL ON clinic.fees TO PUBLIC;
SET ROLE regress_clerk;
SELECT * FROM clinic.fees;	-- fail: label of the schema
SET ROLE regress_registrar;
SELECT * FROM clinic.fees;	-- ok
RESET ROLE;
ALTER TABLE clinic.fees SET SCHEMA public;
SELECT label FROM pg_seclabels WHERE objname = 'fees';	-- kept as its own
