-- Ceilings as constraints.  See src/policy/policy_era.c.

CREATE FUNCTION dataclass.fresh_era() RETURNS pg_catalog.text
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'dc_fresh_era';
COMMENT ON FUNCTION dataclass.fresh_era() IS 'a random token for table era; changes nothing';
REVOKE ALL ON FUNCTION dataclass.fresh_era() FROM PUBLIC;

CREATE TABLE dataclass.era (
	only_row	pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (only_row),
	token		pg_catalog.text NOT NULL,
	class_order pg_catalog.text
);
COMMENT ON TABLE dataclass.era IS
	'one row: token is replaced whenever rows that were within a ceiling may no longer be; not dumped, so that a restored database begins a new era';
REVOKE ALL ON dataclass.era FROM PUBLIC;
GRANT SELECT ON dataclass.era TO dataclass_officer, dataclass_auditor;
INSERT INTO dataclass.era (token, class_order)
	SELECT dataclass.fresh_era(), pg_catalog.string_agg(c.name, '<' ORDER BY c.rank) FROM dataclass.data_class c;

CREATE FUNCTION dataclass.policy_era() RETURNS pg_catalog.text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'dc_policy_era';
COMMENT ON FUNCTION dataclass.policy_era() IS
	'token of the present era of the policy: constraints of row_within() that name it prove what their tables hold';

CREATE FUNCTION dataclass.row_within(dataclass.label, ceiling pg_catalog.text, era pg_catalog.text) RETURNS pg_catalog.bool
	LANGUAGE c STABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'dc_row_within';
COMMENT ON FUNCTION dataclass.row_within(dataclass.label, pg_catalog.text, pg_catalog.text) IS
	'for CHECK constraints: is the label registered and dominated by the ceiling; false for null, in every mode of enforcement. era: dataclass.policy_era() of the day the constraint is made; 22023 if the ceiling is malformed';
