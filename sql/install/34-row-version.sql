-- Old label against new, where a row is stored.  Called by plans that the
-- hooks made, never by users: the argument of type internal sees to that.

CREATE FUNCTION dataclass.row_version_check(dataclass.label, pg_catalog.oid, pg_catalog.oid, pg_catalog.int4, pg_catalog.internal) RETURNS pg_catalog.bool
	LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 10
	AS 'MODULE_PATHNAME', 'dc_row_version_check';
COMMENT ON FUNCTION dataclass.row_version_check(dataclass.label, pg_catalog.oid, pg_catalog.oid, pg_catalog.int4, pg_catalog.internal) IS
	'true if the row with this label may follow its former version in the table that a statement names (1) and in that which holds the row (2), else raises 42501 after recording it; internal';

CREATE FUNCTION dataclass.row_version_trigger() RETURNS pg_catalog.trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'dc_row_version_trigger';
COMMENT ON FUNCTION dataclass.row_version_trigger() IS
	'compares the labels of a row before and after an UPDATE, behind all triggers of the table; internal, in no CREATE TRIGGER';
REVOKE ALL ON FUNCTION dataclass.row_version_trigger() FROM PUBLIC;

CREATE FUNCTION dataclass.copy_check(dataclass.label, pg_catalog.oid) RETURNS pg_catalog.bool
	LANGUAGE c STABLE PARALLEL RESTRICTED COST 10
	AS 'MODULE_PATHNAME', 'dc_copy_check';
COMMENT ON FUNCTION dataclass.copy_check(dataclass.label, pg_catalog.oid) IS
	'row_check() of a new row as COPY FROM needs it: STABLE, so that rows are inserted in batches';
