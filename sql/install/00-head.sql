/* pg_dataclass: installation script, made from sql/install/ */
\echo Use "CREATE EXTENSION pg_dataclass" to load this file. \quit

-- The schemas.  CREATE EXTENSION runs as a superuser; everything below is
-- schema-qualified and owned by the extension.
CREATE SCHEMA dataclass;
CREATE SCHEMA dataclass_audit;
REVOKE ALL ON SCHEMA dataclass, dataclass_audit FROM PUBLIC;
COMMENT ON SCHEMA dataclass IS 'pg_dataclass: policy, functions and views';
COMMENT ON SCHEMA dataclass_audit IS 'pg_dataclass: the audit trail; nobody writes here but its writer';

-- Roles are cluster-wide: another database may have made them already.
DO $do$
DECLARE
	r pg_catalog.text;
BEGIN
	FOREACH r IN ARRAY ARRAY['dataclass_officer', 'dataclass_auditor'] LOOP
		IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) r) THEN
			EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', r);
		END IF;
	END LOOP;
END
$do$;
GRANT USAGE ON SCHEMA dataclass TO PUBLIC;
GRANT USAGE ON SCHEMA dataclass_audit TO dataclass_officer, dataclass_auditor;
