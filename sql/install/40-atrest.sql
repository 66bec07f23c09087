-- Encryption at rest: evidence and posture (src/atrest/).

CREATE FUNCTION dataclass.storage_evidence(
	tablespace pg_catalog.name DEFAULT NULL,
	OUT place pg_catalog.text,
	OUT path pg_catalog.text,
	OUT verdict pg_catalog.text,
	OUT grade pg_catalog.int4,
	OUT mechanism pg_catalog.text,
	OUT detail pg_catalog.text,
	OUT cipher pg_catalog.text,
	OUT key_bits pg_catalog.int4,
	OUT hosting_model pg_catalog.text,
	OUT region pg_catalog.text,
	OUT control pg_catalog.text)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_storage_evidence';
REVOKE ALL ON FUNCTION dataclass.storage_evidence(pg_catalog.name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.storage_evidence(pg_catalog.name) TO dataclass_officer, dataclass_auditor;
COMMENT ON FUNCTION dataclass.storage_evidence(pg_catalog.name) IS
	'evidence of encryption at rest, probed now: for one tablespace, or with NULL for all of them, the write-ahead log, temporary files, the audit journal, server log, archive, swap and core dumps, as far as they exist. verdict: unknown, plain or encrypted; grade: 0 unknown, 1 declared, 2 kernel-reported, 3 kernel-reported and key present, 4 attested, 5 canary; cipher and key_bits: NULL where they cannot be seen; hosting_model, region: by signed attestation alone; control: the control of dataclass.tier_control that binds the place. Error 42704 for a tablespace that does not exist.';

CREATE FUNCTION dataclass.posture_report(
	OUT relation pg_catalog.regclass,
	OUT relkind pg_catalog."char",
	OUT place pg_catalog.text,
	OUT path pg_catalog.text,
	OUT label pg_catalog.text,
	OUT class pg_catalog.text,
	OUT required_tier pg_catalog.text,
	OUT found_tier pg_catalog.text,
	OUT required_grade pg_catalog.int4,
	OUT verdict pg_catalog.text,
	OUT grade pg_catalog.int4,
	OUT mechanism pg_catalog.text,
	OUT reason pg_catalog.text)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_posture';
REVOKE ALL ON FUNCTION dataclass.posture_report() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.posture_report() TO dataclass_officer, dataclass_auditor;
COMMENT ON FUNCTION dataclass.posture_report() IS
	'the rows of dataclass.posture; each place is probed once per call';

CREATE VIEW dataclass.posture AS
	SELECT p.relation, p.relkind, p.place, p.path, p.label, p.class, p.required_tier, p.found_tier,
		   p.required_grade, p.verdict, p.grade, p.mechanism, p.reason,
		   r.until AS accepted_until
	FROM dataclass.posture_report() p
	LEFT JOIN dataclass.accepted_risk r
		ON r.relation OPERATOR(pg_catalog.=) p.relation::pg_catalog.oid
		AND r.until OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()
		AND p.verdict OPERATOR(pg_catalog.<>) 'compliant';
REVOKE ALL ON dataclass.posture FROM PUBLIC;
GRANT SELECT ON dataclass.posture TO dataclass_officer, dataclass_auditor;
COMMENT ON VIEW dataclass.posture IS
	'what governed data need of the places they lie in, and what is found there now: a row per governed relation and place, rows without a relation for what all relations of a class share, and a row where row level security is off on a table with row labels';
COMMENT ON COLUMN dataclass.posture.relation IS 'governed relation; its indexes and TOAST count as part of it; NULL: all relations of the class';
COMMENT ON COLUMN dataclass.posture.relkind IS 'kind of relation as in pg_class.relkind';
COMMENT ON COLUMN dataclass.posture.place IS 'tablespace, or write-ahead log, temporary files, audit journal, server log, archive, swap, core dumps; NULL: the row is not about storage';
COMMENT ON COLUMN dataclass.posture.path IS 'directory with symbolic links resolved; NULL: not found';
COMMENT ON COLUMN dataclass.posture.label IS 'label of all that the relation can hold';
COMMENT ON COLUMN dataclass.posture.class IS 'data class of the label';
COMMENT ON COLUMN dataclass.posture.required_tier IS 'tier that the class requires; NULL: class not in the policy';
COMMENT ON COLUMN dataclass.posture.found_tier IS 'highest tier whose storage controls the place satisfies';
COMMENT ON COLUMN dataclass.posture.required_grade IS 'least grade of evidence, 0 if no encryption is required; NULL: cannot be told';
COMMENT ON COLUMN dataclass.posture.verdict IS 'compliant, violation or unknown';
COMMENT ON COLUMN dataclass.posture.grade IS 'grade of the evidence found';
COMMENT ON COLUMN dataclass.posture.mechanism IS 'what the evidence is about: fscrypt, dm-crypt, a file system type, row security';
COMMENT ON COLUMN dataclass.posture.reason IS 'what was seen or what fails, one or two sentences';
COMMENT ON COLUMN dataclass.posture.accepted_until IS 'an officer accepts the violation of this relation until then';
