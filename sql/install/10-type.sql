-- The type of row labels: the first 64 bits of SHA-256 over the canonical
-- label text.  What compares ids alone is LEAKPROOF, so that conditions on a
-- label column may run before row filters and use indexes.
CREATE TYPE dataclass.label;

CREATE FUNCTION dataclass.label_in(pg_catalog.cstring) RETURNS dataclass.label
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_in';
CREATE FUNCTION dataclass.label_out(dataclass.label) RETURNS pg_catalog.cstring
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_out';
CREATE FUNCTION dataclass.label_recv(pg_catalog.internal) RETURNS dataclass.label
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_recv';
CREATE FUNCTION dataclass.label_send(dataclass.label) RETURNS pg_catalog.bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_send';

CREATE TYPE dataclass.label (
	INPUT = dataclass.label_in,
	OUTPUT = dataclass.label_out,
	RECEIVE = dataclass.label_recv,
	SEND = dataclass.label_send,
	INTERNALLENGTH = 8,
	PASSEDBYVALUE,
	ALIGNMENT = double,
	STORAGE = plain
);
COMMENT ON TYPE dataclass.label IS
	'row label, such as ''confidential:health,punjab|sindh''; a table with a column of this type has row labels. An unregistered label prints as # and 16 hexadecimal digits, which are accepted back';
COMMENT ON FUNCTION dataclass.label_in(pg_catalog.cstring) IS
	'reads a label or its id; 22023 if malformed, 54000 if beyond a limit';
COMMENT ON FUNCTION dataclass.label_out(dataclass.label) IS
	'canonical text of a registered label, else # and its id';
COMMENT ON FUNCTION dataclass.label_recv(pg_catalog.internal) IS
	'binary input: the 8 bytes of the id, big-endian';
COMMENT ON FUNCTION dataclass.label_send(dataclass.label) IS
	'binary output: the 8 bytes of the id, big-endian';

CREATE FUNCTION dataclass.label_eq(dataclass.label, dataclass.label) RETURNS pg_catalog.bool
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_eq';
CREATE FUNCTION dataclass.label_ne(dataclass.label, dataclass.label) RETURNS pg_catalog.bool
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_ne';
CREATE FUNCTION dataclass.label_lt(dataclass.label, dataclass.label) RETURNS pg_catalog.bool
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_lt';
CREATE FUNCTION dataclass.label_le(dataclass.label, dataclass.label) RETURNS pg_catalog.bool
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_le';
CREATE FUNCTION dataclass.label_gt(dataclass.label, dataclass.label) RETURNS pg_catalog.bool
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_gt';
CREATE FUNCTION dataclass.label_ge(dataclass.label, dataclass.label) RETURNS pg_catalog.bool
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_ge';
CREATE FUNCTION dataclass.label_cmp(dataclass.label, dataclass.label) RETURNS pg_catalog.int4
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_cmp';
CREATE FUNCTION dataclass.label_hash(dataclass.label) RETURNS pg_catalog.int4
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_hash';
CREATE FUNCTION dataclass.label_hash_extended(dataclass.label, pg_catalog.int8) RETURNS pg_catalog.int8
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_hash_extended';
COMMENT ON FUNCTION dataclass.label_eq(dataclass.label, dataclass.label) IS 'implementation of operator =, by id';
COMMENT ON FUNCTION dataclass.label_ne(dataclass.label, dataclass.label) IS 'implementation of operator <>, by id';
COMMENT ON FUNCTION dataclass.label_lt(dataclass.label, dataclass.label) IS 'implementation of operator <, by id';
COMMENT ON FUNCTION dataclass.label_le(dataclass.label, dataclass.label) IS 'implementation of operator <=, by id';
COMMENT ON FUNCTION dataclass.label_gt(dataclass.label, dataclass.label) IS 'implementation of operator >, by id';
COMMENT ON FUNCTION dataclass.label_ge(dataclass.label, dataclass.label) IS 'implementation of operator >=, by id';
COMMENT ON FUNCTION dataclass.label_cmp(dataclass.label, dataclass.label) IS 'order of ids as unsigned numbers: less, equal, greater as -1, 0, 1; says nothing about dominance';
COMMENT ON FUNCTION dataclass.label_hash(dataclass.label) IS 'hash of the id';
COMMENT ON FUNCTION dataclass.label_hash_extended(dataclass.label, pg_catalog.int8) IS 'hash of the id with a seed';

-- In pg_catalog, so that they are found whatever the search path of an application.
CREATE OPERATOR pg_catalog.= (
	LEFTARG = dataclass.label, RIGHTARG = dataclass.label, FUNCTION = dataclass.label_eq,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel,
	HASHES, MERGES
);
CREATE OPERATOR pg_catalog.<> (
	LEFTARG = dataclass.label, RIGHTARG = dataclass.label, FUNCTION = dataclass.label_ne,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
CREATE OPERATOR pg_catalog.< (
	LEFTARG = dataclass.label, RIGHTARG = dataclass.label, FUNCTION = dataclass.label_lt,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=),
	RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
CREATE OPERATOR pg_catalog.<= (
	LEFTARG = dataclass.label, RIGHTARG = dataclass.label, FUNCTION = dataclass.label_le,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>),
	RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
CREATE OPERATOR pg_catalog.> (
	LEFTARG = dataclass.label, RIGHTARG = dataclass.label, FUNCTION = dataclass.label_gt,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=),
	RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
CREATE OPERATOR pg_catalog.>= (
	LEFTARG = dataclass.label, RIGHTARG = dataclass.label, FUNCTION = dataclass.label_ge,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<),
	RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR pg_catalog.= (dataclass.label, dataclass.label) IS 'equal, by id';
COMMENT ON OPERATOR pg_catalog.<> (dataclass.label, dataclass.label) IS 'not equal, by id';
COMMENT ON OPERATOR pg_catalog.< (dataclass.label, dataclass.label) IS 'less than, by id';
COMMENT ON OPERATOR pg_catalog.<= (dataclass.label, dataclass.label) IS 'less than or equal, by id';
COMMENT ON OPERATOR pg_catalog.> (dataclass.label, dataclass.label) IS 'greater than, by id';
COMMENT ON OPERATOR pg_catalog.>= (dataclass.label, dataclass.label) IS 'greater than or equal, by id';

CREATE OPERATOR CLASS dataclass.label_ops DEFAULT FOR TYPE dataclass.label USING btree AS
	OPERATOR 1 pg_catalog.<,
	OPERATOR 2 pg_catalog.<=,
	OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=,
	OPERATOR 5 pg_catalog.>,
	FUNCTION 1 dataclass.label_cmp(dataclass.label, dataclass.label),
	FUNCTION 4 pg_catalog.btequalimage(pg_catalog.oid);
COMMENT ON OPERATOR CLASS dataclass.label_ops USING btree IS 'row labels by id';

CREATE OPERATOR CLASS dataclass.label_ops DEFAULT FOR TYPE dataclass.label USING hash AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 dataclass.label_hash(dataclass.label),
	FUNCTION 2 dataclass.label_hash_extended(dataclass.label, pg_catalog.int8);
COMMENT ON OPERATOR CLASS dataclass.label_ops USING hash IS 'row labels by id';

-- So that INSERT ... SELECT takes text columns without a cast.
CREATE CAST (pg_catalog.text AS dataclass.label) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (pg_catalog.text AS dataclass.label) IS 'reads the label or its id';
CREATE CAST (pg_catalog.varchar AS dataclass.label) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (pg_catalog.varchar AS dataclass.label) IS 'reads the label or its id';

CREATE FUNCTION dataclass.label_canonical(label pg_catalog.text) RETURNS pg_catalog.text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_canonical';
COMMENT ON FUNCTION dataclass.label_canonical(pg_catalog.text) IS
	'canonical text of a label: lower case, sorted, without what other parts imply; 22023 if malformed, 54000 if beyond a limit';

CREATE FUNCTION dataclass.label_dominates(a pg_catalog.text, b pg_catalog.text) RETURNS pg_catalog.bool
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_label_dominates';
COMMENT ON FUNCTION dataclass.label_dominates(pg_catalog.text, pg_catalog.text) IS
	'does label a dominate label b: class at least as high, every compartment clause of b satisfied by a; false where the policy does not know a class; 22023 if malformed';
