-- Rows routed to partitions: the planner hook puts calls of this into queries.

CREATE FUNCTION dataclass.partition_check(pg_catalog.oid) RETURNS pg_catalog.bool
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 1
	AS 'MODULE_PATHNAME', 'dc_partition_check';
COMMENT ON FUNCTION dataclass.partition_check(pg_catalog.oid) IS
	'true if the current subject may write that relation as a whole, or row by row, else raises 42501 after recording it';
