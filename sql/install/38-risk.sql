-- Accepted risks (src/atrest/risk_accept.c).  Not dumped: a restored database
-- lies elsewhere, where an officer has to look again.

CREATE TABLE dataclass.accepted_risk (
	relation	pg_catalog.oid PRIMARY KEY,
	until		pg_catalog.timestamptz NOT NULL,
	reason		pg_catalog.text NOT NULL,
	accepted_by	pg_catalog.name NOT NULL,
	accepted_at	pg_catalog.timestamptz NOT NULL
);
COMMENT ON TABLE dataclass.accepted_risk IS
	'relations whose violation at rest an officer accepts for a time; written by accept_risk() and withdraw_risk() alone, removed when the time is over';
COMMENT ON COLUMN dataclass.accepted_risk.until IS 'from then on the violation counts again, without anybody''s doing';
COMMENT ON COLUMN dataclass.accepted_risk.accepted_by IS 'role of the officer';
REVOKE ALL ON dataclass.accepted_risk FROM PUBLIC;
GRANT SELECT ON dataclass.accepted_risk TO dataclass_officer, dataclass_auditor;

CREATE FUNCTION dataclass.accept_risk(relation pg_catalog.regclass, reason pg_catalog.text, until pg_catalog.timestamptz)
	RETURNS pg_catalog.void LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_accept_risk';
COMMENT ON FUNCTION dataclass.accept_risk(pg_catalog.regclass, pg_catalog.text, pg_catalog.timestamptz) IS
	'accepts until then that a relation, its partitions and children lie below their tier: they are not quarantined; recorded (officers). New data are placed no worse. Errors: 42501 not an officer, 22023 no reason, or until is past or more than policy_setting max_risk_days (90) ahead, 55000 not in violation';
CREATE FUNCTION dataclass.withdraw_risk(relation pg_catalog.regclass, reason pg_catalog.text)
	RETURNS pg_catalog.void LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_withdraw_risk';
COMMENT ON FUNCTION dataclass.withdraw_risk(pg_catalog.regclass, pg_catalog.text) IS
	'ends accepted risks of a relation, its partitions and children before their time; recorded (officers). Errors: 42501 not an officer, 22023 no reason, 55000 no risk is accepted';
-- Not granted to officers alone: whoever is none is refused by the functions, and that is recorded.
