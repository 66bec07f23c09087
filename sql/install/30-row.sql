-- Row label checks.  The hooks put calls of these into queries, so everybody
-- may execute them; they tell the caller what any query would.

CREATE FUNCTION dataclass.row_visible_support(pg_catalog.internal) RETURNS pg_catalog.internal
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'dc_row_visible_support';
COMMENT ON FUNCTION dataclass.row_visible_support(pg_catalog.internal) IS 'planner support function of row_visible';
REVOKE ALL ON FUNCTION dataclass.row_visible_support(pg_catalog.internal) FROM PUBLIC;

CREATE FUNCTION dataclass.row_visible(dataclass.label) RETURNS pg_catalog.bool
	LANGUAGE c STABLE STRICT LEAKPROOF PARALLEL SAFE COST 1 SUPPORT dataclass.row_visible_support
	AS 'MODULE_PATHNAME', 'dc_row_visible';
COMMENT ON FUNCTION dataclass.row_visible(dataclass.label) IS
	'may the current subject see rows with this label; raises 42501 instead of false while row_security is off';

CREATE FUNCTION dataclass.row_check(dataclass.label, pg_catalog.oid, pg_catalog.int4) RETURNS pg_catalog.bool
	LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 10
	AS 'MODULE_PATHNAME', 'dc_row_check';
COMMENT ON FUNCTION dataclass.row_check(dataclass.label, pg_catalog.oid, pg_catalog.int4) IS
	'true if the current subject may store (0) or change (1) a row with this label in that table, else raises 42501 after recording it';

CREATE FUNCTION dataclass.row_relabel(dataclass.label, dataclass.label, pg_catalog.oid) RETURNS dataclass.label
	LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 10
	AS 'MODULE_PATHNAME', 'dc_row_relabel';
COMMENT ON FUNCTION dataclass.row_relabel(dataclass.label, dataclass.label, pg_catalog.oid) IS
	'the second label, if the current subject may change the first into it, else raises 42501 after recording it';

CREATE FUNCTION dataclass.create_label(label pg_catalog.text) RETURNS dataclass.label
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_create_label';
COMMENT ON FUNCTION dataclass.create_label(pg_catalog.text) IS
	'registers a row label (officers); errors: 22023 malformed or unknown names, 42501 not an officer';
REVOKE ALL ON FUNCTION dataclass.create_label(pg_catalog.text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.create_label(pg_catalog.text) TO dataclass_officer;

CREATE FUNCTION dataclass.statistics_visible(pg_catalog.oid, pg_catalog.int2) RETURNS pg_catalog.bool
	LANGUAGE c STABLE STRICT LEAKPROOF PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'dc_statistics_visible';
COMMENT ON FUNCTION dataclass.statistics_visible(pg_catalog.oid, pg_catalog.int2) IS
	'may the current subject see statistics of that column; queries on pg_statistic and pg_stats are filtered by it';
CREATE FUNCTION dataclass.statistics_ext_visible(pg_catalog.oid) RETURNS pg_catalog.bool
	LANGUAGE c STABLE STRICT LEAKPROOF PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'dc_statistics_ext_visible';
COMMENT ON FUNCTION dataclass.statistics_ext_visible(pg_catalog.oid) IS
	'may the current subject see these extended statistics; queries on pg_statistic_ext_data are filtered by it';
