-- Officers' functions and what everybody may ask about himself.

CREATE FUNCTION dataclass.set_label(object_type pg_catalog.text, object_identity pg_catalog.text, label pg_catalog.text)
	RETURNS pg_catalog.void LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_set_label';
COMMENT ON FUNCTION dataclass.set_label(pg_catalog.text, pg_catalog.text, pg_catalog.text) IS
	'SECURITY LABEL for officers who do not own the object; type: table, view, materialized view, foreign table, sequence, column, schema, database, role, function; identity as in SQL; label NULL removes it';
CREATE FUNCTION dataclass.set_label(relation pg_catalog.regclass, label pg_catalog.text)
	RETURNS pg_catalog.void LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_set_relation_label';
COMMENT ON FUNCTION dataclass.set_label(pg_catalog.regclass, pg_catalog.text) IS
	'SECURITY LABEL on a relation for officers who do not own it; label NULL removes it';
-- Not granted to officers alone: whoever is none is refused by the function, and that is recorded.

CREATE FUNCTION dataclass.session(
	OUT role pg_catalog.name, OUT session_role pg_catalog.name, OUT authenticated_role pg_catalog.name,
	OUT clearance pg_catalog.text[], OUT privileges pg_catalog.text[], OUT ceiling pg_catalog.text,
	OUT tier pg_catalog.text, OUT next_tier_needs pg_catalog.text,
	OUT transport pg_catalog.text, OUT authentication pg_catalog.text,
	OUT officer pg_catalog.bool, OUT trusted_procedure pg_catalog.regprocedure,
	OUT enforcement pg_catalog.text, OUT session_tier_enforcement pg_catalog.text, OUT at_rest_enforcement pg_catalog.text,
	OUT break_glass_until pg_catalog.timestamptz)
	RETURNS record LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_session';
COMMENT ON FUNCTION dataclass.session() IS 'who am I here: subject, clearance, tier reached and what keeps this session from the next one';

CREATE FUNCTION dataclass.explain_access(role pg_catalog.regrole, relation pg_catalog.regclass, privilege pg_catalog.text DEFAULT 'SELECT',
	OUT object pg_catalog.text, OUT allowed pg_catalog.bool, OUT verdict pg_catalog.text, OUT rule pg_catalog.text,
	OUT label pg_catalog.text, OUT clearance pg_catalog.text,
	OUT required_tier pg_catalog.text, OUT found_tier pg_catalog.text, OUT reason pg_catalog.text)
	RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_explain_access';
COMMENT ON FUNCTION dataclass.explain_access(pg_catalog.regrole, pg_catalog.regclass, pg_catalog.text) IS
	'why a role may or may not use a relation and its labeled columns; privilege: SELECT, INSERT, UPDATE, DELETE, TRUNCATE or EXPORT; about other roles only for officers and auditors; the tier is that of this session';

CREATE FUNCTION dataclass.release_quarantine(relation pg_catalog.regclass, reason pg_catalog.text)
	RETURNS pg_catalog.void LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_release_quarantine';
COMMENT ON FUNCTION dataclass.release_quarantine(pg_catalog.regclass, pg_catalog.text) IS
	'ends a quarantine once the storage of the relation satisfies its label (officers); errors: 42501 not an officer, 22023 no reason, 55000 not quarantined, or storage still below its tier';
