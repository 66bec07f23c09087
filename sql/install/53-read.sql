-- What the trail keeps of a statement (src/audit/audit_normalise.c); reads are
-- recorded by src/hooks/hook_read.c as dataclass.data_class asks for it.

CREATE FUNCTION dataclass_audit.normalise(statement pg_catalog.text) RETURNS pg_catalog.text
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_audit_normalise';
REVOKE ALL ON FUNCTION dataclass_audit.normalise(pg_catalog.text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass_audit.normalise(pg_catalog.text) TO dataclass_auditor, dataclass_officer;
COMMENT ON FUNCTION dataclass_audit.normalise(pg_catalog.text) IS
	'The text as the trail keeps it in column statement: constants, parameters and values of settings replaced by ?, comments left out, cut at 1024 bytes; <unparsed> for what does not scan. For finding records of a statement.';
