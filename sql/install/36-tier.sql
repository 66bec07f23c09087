-- Tiers of sessions: limits of accounts, and the report (src/policy/).

CREATE TABLE dataclass.session_limit (
	role		pg_catalog.regrole NOT NULL,
	network		pg_catalog.cidr,
	tier		pg_catalog.text NOT NULL,
	description pg_catalog.text,
	shipped		pg_catalog.bool NOT NULL DEFAULT false,
	UNIQUE (role, network)
);
CREATE UNIQUE INDEX session_limit_role_key ON dataclass.session_limit (role) WHERE network IS NULL;
COMMENT ON TABLE dataclass.session_limit IS
	'the highest tier that sessions authenticated as a role reach, whatever their controls: for accounts of connection poolers, which make all clients look as good as themselves. The lowest of the rows that match counts; a tier that does not exist leaves nothing.';
COMMENT ON COLUMN dataclass.session_limit.role IS
	'the role that authenticated; SET ROLE and SET SESSION AUTHORIZATION do not change it, renaming it neither';
COMMENT ON COLUMN dataclass.session_limit.network IS
	'only connections from there; NULL: all, those over a unix socket included';

CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dataclass.session_limit
	FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_changed();
CREATE TRIGGER policy_restore BEFORE INSERT ON dataclass.session_limit
	FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_restore();
ALTER TABLE dataclass.session_limit ENABLE ALWAYS TRIGGER policy_changed;
ALTER TABLE dataclass.session_limit ENABLE ALWAYS TRIGGER policy_restore;
REVOKE ALL ON dataclass.session_limit FROM PUBLIC;
GRANT SELECT ON dataclass.session_limit TO dataclass_officer, dataclass_auditor;
GRANT INSERT, UPDATE, DELETE ON dataclass.session_limit TO dataclass_officer;
SELECT pg_catalog.pg_extension_config_dump('dataclass.session_limit'::pg_catalog.regclass, '');

CREATE FUNCTION dataclass.tier_report(
	OUT tier pg_catalog.text,
	OUT rank pg_catalog.int4,
	OUT control pg_catalog.text,
	OUT domain pg_catalog.text,
	OUT required pg_catalog.text,
	OUT found pg_catalog.text,
	OUT verdict pg_catalog.text,
	OUT detail pg_catalog.text)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_tier_report';
COMMENT ON FUNCTION dataclass.tier_report() IS
	'every control of every tier, judged now for this session. domain: session and server controls decide what the session reaches, storage controls bind places of data. verdict: satisfied, failed or unknown (the control or its requirement is not known; never satisfied). Limits of the session show as controls session_limit and session_tier. What was found of storage is for officers and auditors.';
