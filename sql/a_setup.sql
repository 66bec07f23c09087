-- Roles and policy that all tests share
CREATE EXTENSION pg_dataclass;
CREATE ROLE regress_doctor;
CREATE ROLE regress_registrar;
CREATE ROLE regress_clerk;
CREATE ROLE regress_owner;
CREATE ROLE regress_bypass BYPASSRLS;
CREATE ROLE regress_boss SUPERUSER;
CREATE ROLE regress_dba SUPERUSER;
CREATE ROLE regress_officer;
CREATE ROLE regress_auditor;
GRANT dataclass_officer TO regress_officer;		-- ok
GRANT dataclass_auditor TO regress_auditor;		-- ok
GRANT ALL ON SCHEMA public TO PUBLIC;
INSERT INTO dataclass.compartment (name, description) VALUES
	('health', 'health data'), ('health.punjab', 'of Punjab'), ('finance', 'money');
SECURITY LABEL FOR dataclass ON ROLE regress_doctor IS 'Secret : Health';					-- ok, stored in canonical form
SECURITY LABEL FOR dataclass ON ROLE regress_registrar IS 'restricted..confidential:health.punjab';	-- ok, with a floor
SECURITY LABEL FOR dataclass ON ROLE regress_boss IS 'secret:health,finance with (declassify, reclassify, export)';	-- ok
SELECT objname, label FROM pg_seclabels WHERE provider = 'dataclass' ORDER BY 1;
-- shipped profile
SELECT name, rank, required_tier FROM dataclass.data_class ORDER BY rank;
SELECT t.name, c.control, c.requirement FROM dataclass.tier t JOIN dataclass.tier_control c ON c.tier = t.name ORDER BY t.rank, c.control;
SELECT label FROM dataclass.row_label ORDER BY label COLLATE "C";
