-- Column masks.

CREATE FUNCTION dataclass.column_value(relation pg_catalog.oid, "column" pg_catalog.int2,
									   stored_in pg_catalog.oid, value pg_catalog.anyelement)
	RETURNS pg_catalog.anyelement
	LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'dc_column_value';
COMMENT ON FUNCTION dataclass.column_value(pg_catalog.oid, pg_catalog.int2, pg_catalog.oid, pg_catalog.anyelement) IS
	'stands in queries in place of a masked column: the value, or its mask where the clearance does not reach; 42501 when called by hand, and instead of a mask while row_security is off';

CREATE TABLE dataclass.mask_key (
	key			pg_catalog.bytea NOT NULL CHECK (pg_catalog.length(key) OPERATOR(pg_catalog.=) 32)
);
COMMENT ON TABLE dataclass.mask_key IS
	'key of hash masks, made at random by CREATE EXTENSION; no query may read it, no dump carries it';
REVOKE ALL ON TABLE dataclass.mask_key FROM PUBLIC;

CREATE FUNCTION dataclass.renew_mask_key() RETURNS pg_catalog.void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_renew_mask_key';
COMMENT ON FUNCTION dataclass.renew_mask_key() IS
	'replaces the key of hash masks (officers): hashes shown before compare with none shown after; errors: 42501 not an officer';
REVOKE ALL ON FUNCTION dataclass.renew_mask_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.renew_mask_key() TO dataclass_officer;
SELECT dataclass.renew_mask_key();
