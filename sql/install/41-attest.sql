-- Signed attestations (src/atrest/attest_*.c).

CREATE TABLE dataclass.attestation (
	sequence		pg_catalog.int8 PRIMARY KEY,
	id				pg_catalog.text NOT NULL UNIQUE,
	digest			pg_catalog.text NOT NULL UNIQUE,
	document		pg_catalog.text NOT NULL,
	signature		pg_catalog.bytea NOT NULL,
	timeline		pg_catalog.int8 NOT NULL,
	tablespace		pg_catalog.oid NOT NULL,
	location		pg_catalog.text NOT NULL,
	accepted_at		pg_catalog.timestamptz NOT NULL,
	accepted_by		pg_catalog.name NOT NULL,
	revoked_at		pg_catalog.timestamptz,
	revoked_by		pg_catalog.name,
	revoked_reason	pg_catalog.text,
	recorded_state	pg_catalog.text NOT NULL
);
COMMENT ON TABLE dataclass.attestation IS
	'attestations as they were accepted; written by attest() and revoke_attestation() only. Each backend verifies the signatures again. Not dumped: they are about this server';
COMMENT ON COLUMN dataclass.attestation.sequence IS 'order of acceptance';
COMMENT ON COLUMN dataclass.attestation.digest IS 'SHA-256 of the document, hexadecimal';
COMMENT ON COLUMN dataclass.attestation.document IS 'the JSON document, byte for byte as it was signed';
COMMENT ON COLUMN dataclass.attestation.signature IS 'Ed25519 signature over the document';
COMMENT ON COLUMN dataclass.attestation.timeline IS 'timeline of the server at acceptance; an attestation that names no device holds on it alone';
COMMENT ON COLUMN dataclass.attestation.tablespace IS 'the tablespace that the subject names, as found at acceptance; 0: it names none';
COMMENT ON COLUMN dataclass.attestation.location IS 'directory of that tablespace at acceptance, links resolved';
COMMENT ON COLUMN dataclass.attestation.recorded_state IS 'state that the audit trail knows of';
REVOKE ALL ON dataclass.attestation FROM PUBLIC;
GRANT SELECT ON dataclass.attestation TO dataclass_officer, dataclass_auditor;

CREATE FUNCTION dataclass.attest(document pg_catalog.text, signature pg_catalog.bytea)
	RETURNS pg_catalog.text LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_attest';
COMMENT ON FUNCTION dataclass.attest(pg_catalog.text, pg_catalog.bytea) IS
	'accepts a signed attestation about the storage of this server (officers) and returns its id. document: JSON as in docs/attestation.schema.json; signature: 64 bytes, Ed25519 over exactly the bytes of the document. Errors: 42501 not an officer, 28000 signature false or by a revoked key, 22023 malformed document (with the JSON path), 54000 too long, 55000 no trust anchors, accepted before, older than one that was accepted, expired, or about something else';
CREATE FUNCTION dataclass.attest(document pg_catalog.text, signature pg_catalog.text)
	RETURNS pg_catalog.text LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_attest_text';
COMMENT ON FUNCTION dataclass.attest(pg_catalog.text, pg_catalog.text) IS
	'the same with the signature as base64 or hexadecimal digits';

CREATE FUNCTION dataclass.revoke_attestation(id pg_catalog.text, reason pg_catalog.text)
	RETURNS pg_catalog.void LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_revoke_attestation';
COMMENT ON FUNCTION dataclass.revoke_attestation(pg_catalog.text, pg_catalog.text) IS
	'ends an attestation for good (officers); errors: 42501 not an officer, 42704 no such attestation, 55000 revoked already, 22023 no reason';
CREATE FUNCTION dataclass.check_attestations(
	OUT id pg_catalog.text,
	OUT state pg_catalog.text,
	OUT reason pg_catalog.text)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_check_attestations';
COMMENT ON FUNCTION dataclass.check_attestations() IS
	'records attestations whose state is not the one recorded last, as the watch does (officers), and returns them; errors: 42501 not an officer';
-- Not granted to officers alone: whoever is none is refused by the functions, and that is recorded.

CREATE FUNCTION dataclass.attestation_report(
	OUT id pg_catalog.text,
	OUT issuer pg_catalog.text,
	OUT subject pg_catalog.jsonb,
	OUT claim pg_catalog.jsonb,
	OUT anchor pg_catalog.text,
	OUT key_id pg_catalog.text,
	OUT issued_at pg_catalog.timestamptz,
	OUT valid_from pg_catalog.timestamptz,
	OUT valid_until pg_catalog.timestamptz,
	OUT state pg_catalog.text,
	OUT reason pg_catalog.text,
	OUT accepted_at pg_catalog.timestamptz,
	OUT accepted_by pg_catalog.text,
	OUT revoked pg_catalog.bool,
	OUT digest pg_catalog.text,
	OUT sequence pg_catalog.int8)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_attestation_report';
COMMENT ON FUNCTION dataclass.attestation_report() IS
	'the rows of dataclass.attestations; each place is probed and each signature verified';
REVOKE ALL ON FUNCTION dataclass.attestation_report() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.attestation_report() TO dataclass_officer, dataclass_auditor;

CREATE VIEW dataclass.attestations AS
	SELECT id, subject, claim, issuer, key_id, anchor, issued_at, valid_from, valid_until, state, reason,
		   accepted_at, accepted_by, revoked, digest
	FROM dataclass.attestation_report();
REVOKE ALL ON dataclass.attestations FROM PUBLIC;
GRANT SELECT ON dataclass.attestations TO dataclass_officer, dataclass_auditor;
COMMENT ON VIEW dataclass.attestations IS 'attestations that were accepted, and what they are worth now';
COMMENT ON COLUMN dataclass.attestations.key_id IS 'SHA-256 of the public key that made the signature; NULL: no trust anchor did';
COMMENT ON COLUMN dataclass.attestations.anchor IS 'name of the file with that key, without .pem';
COMMENT ON COLUMN dataclass.attestations.state IS
	'valid | not yet valid | expired | revoked | superseded | subject mismatch | signature bad';
COMMENT ON COLUMN dataclass.attestations.reason IS 'why it is not valid; NULL: it is';

CREATE FUNCTION dataclass.attestation_subjects(
	OUT place pg_catalog.text,
	OUT system_identifier pg_catalog.text,
	OUT place_word pg_catalog.text,
	OUT tablespace pg_catalog.text,
	OUT path pg_catalog.text,
	OUT device_serial pg_catalog.text[],
	OUT reason pg_catalog.text)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_attestation_subjects';
COMMENT ON FUNCTION dataclass.attestation_subjects() IS
	'what the subject of an attestation can name, as this server finds it now: a row per place. device_serial: serial numbers of all disks below it; NULL: not found, and reason says why; place_word: what subject.place calls it';
REVOKE ALL ON FUNCTION dataclass.attestation_subjects() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.attestation_subjects() TO dataclass_officer, dataclass_auditor;
