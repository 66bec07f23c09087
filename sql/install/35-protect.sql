-- Row labels for existing tables in one call.  See src/policy/protect*.c.

CREATE TABLE dataclass.protected (
	relation		pg_catalog.regclass PRIMARY KEY,
	root			pg_catalog.regclass NOT NULL,
	"column"		pg_catalog.name NOT NULL,
	column_added	pg_catalog.bool NOT NULL,
	default_before	pg_catalog.text,
	not_null_before pg_catalog.bool NOT NULL,
	rls_was_enabled pg_catalog.bool NOT NULL,
	rls_was_forced	pg_catalog.bool NOT NULL,
	labeled			pg_catalog.bool NOT NULL,
	label_before	pg_catalog.text,
	index_name		pg_catalog.text,
	protected_by	pg_catalog.name NOT NULL,
	protected_at	pg_catalog.timestamptz NOT NULL
);
COMMENT ON TABLE dataclass.protected IS
	'tables that dataclass.protect() set up, their partitions and children with them, and what dataclass.unprotect() has to put back';
COMMENT ON COLUMN dataclass.protected.root IS 'the table that was named: the relation itself or its ancestor';
COMMENT ON COLUMN dataclass.protected.column_added IS 'the label column was made by protect() and goes with unprotect()';
COMMENT ON COLUMN dataclass.protected.labeled IS 'protect() set the label of the relation; label_before is the one it had';
REVOKE ALL ON dataclass.protected FROM PUBLIC;
-- nobody writes here by hand: default_before becomes part of a table's definition
GRANT SELECT ON dataclass.protected TO dataclass_officer, dataclass_auditor;
CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dataclass.protected
	FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_changed();
ALTER TABLE dataclass.protected ENABLE ALWAYS TRIGGER policy_changed;
SELECT pg_catalog.pg_extension_config_dump('dataclass.protected', '');

CREATE FUNCTION dataclass.protect(relation pg_catalog.regclass, label pg_catalog.text,
	"column" pg_catalog.name DEFAULT 'label', index pg_catalog.bool DEFAULT false)
	RETURNS pg_catalog.void LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_protect';
COMMENT ON FUNCTION dataclass.protect(pg_catalog.regclass, pg_catalog.text, pg_catalog.name, pg_catalog.bool) IS
	'gives a table, its partitions and children row labels (officers): label column with default row_label(), not null, existing rows at the label; ceiling constraint, row security, label of the table; with index true an index on the column. Called again it moves the ceiling. Errors: 42501 not an officer or lowering without declassify, 42809 not a table that can have them, 42804 the column has another type, 22023 unknown label, 23514 rows above the label, 55000 another label column';

CREATE FUNCTION dataclass.unprotect(relation pg_catalog.regclass)
	RETURNS pg_catalog.void LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_unprotect';
COMMENT ON FUNCTION dataclass.unprotect(pg_catalog.regclass) IS
	'takes away what dataclass.protect() set up and puts back what was before (officers with declassify, cleared for the label and every row); errors: 42501, 55000 not protected, 2BP01 other objects depend on the label column';

CREATE FUNCTION dataclass.renew_ceilings(relation pg_catalog.regclass DEFAULT NULL,
	OUT "table" pg_catalog.regclass, OUT "constraint" pg_catalog.name, OUT ceiling pg_catalog.text, OUT outcome pg_catalog.text)
	RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_renew_ceilings';
COMMENT ON FUNCTION dataclass.renew_ceilings(pg_catalog.regclass) IS
	'makes ceiling constraints of a past era anew, of one table or of all, after a look at the rows (officers); a row for each that was of a past era';
-- Not granted to officers alone: whoever is none is refused by the function, and that is recorded.

CREATE FUNCTION dataclass.protect_progress(OUT pid pg_catalog.int4, OUT datid pg_catalog.oid, OUT relation pg_catalog.regclass,
	OUT phase pg_catalog.text, OUT blocks_total pg_catalog.int8, OUT blocks_done pg_catalog.int8, OUT started pg_catalog.timestamptz)
	RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_protect_progress';
COMMENT ON FUNCTION dataclass.protect_progress() IS 'the rows of view protect_progress';
REVOKE ALL ON FUNCTION dataclass.protect_progress() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.protect_progress() TO dataclass_officer, dataclass_auditor;
CREATE VIEW dataclass.protect_progress AS SELECT * FROM dataclass.protect_progress();
COMMENT ON VIEW dataclass.protect_progress IS
	'what protect(), unprotect() and renew_ceilings() are at, a row for each backend; blocks are those of the rows that are looked at; relation is null for other databases';
REVOKE ALL ON dataclass.protect_progress FROM PUBLIC;
GRANT SELECT ON dataclass.protect_progress TO dataclass_officer, dataclass_auditor;
