-- The tree over the trail, and checkpoints of it (src/audit/checkpoint*.c, src/audit/audit_tile.c).

CREATE TABLE dataclass_audit.tile (
	level     integer NOT NULL,
	"index"   bigint NOT NULL,
	hashes    bytea NOT NULL,
	root      bytea NOT NULL,
	CONSTRAINT tile_pkey PRIMARY KEY (level, "index")
) USING heap;
-- Hashes do not compress.
ALTER TABLE dataclass_audit.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE dataclass_audit.tile IS
	'Complete tiles of the RFC 9162 tree, 256 hashes each, as in C2SP tlog-tiles: level 0 holds leaf hashes, a hash of level n is the root of a complete tile of level n - 1. root: over the hashes of the tile. They stay when records are archived.';

CREATE TABLE dataclass_audit.checkpoint (
	size      bigint NOT NULL,
	root      bytea NOT NULL,
	made_at   timestamptz NOT NULL,
	reason    text NOT NULL,
	key_name  text NOT NULL,
	note      text NOT NULL,
	key       text NOT NULL,
	CONSTRAINT checkpoint_pkey PRIMARY KEY (size)
) USING heap;
COMMENT ON TABLE dataclass_audit.checkpoint IS
	'Checkpoints of the trail: signed notes as in C2SP tlog-checkpoint. size: records under it; root: RFC 9162 root over them; reason: begin, records, interval, breach or asked; key: the public key in verifier form, NAME+HEXID+BASE64.';

CREATE FUNCTION dataclass_audit.make_checkpoint()
	RETURNS text
	AS 'MODULE_PATHNAME', 'dc_checkpoint_make'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.make_checkpoint() IS
	'Makes a checkpoint over all that is recorded by now and returns it; that it was asked for is recorded. Raises 55000 if none can be made.';

CREATE FUNCTION dataclass_audit.latest_checkpoint()
	RETURNS text
	AS 'MODULE_PATHNAME', 'dc_checkpoint_latest'
	LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.latest_checkpoint() IS
	'The last checkpoint of the trail, a signed note to be kept outside of the server; NULL if there is none yet.';

CREATE FUNCTION dataclass_audit.checkpoint_key(OUT verifier text, OUT pem text)
	RETURNS record
	AS 'MODULE_PATHNAME', 'dc_checkpoint_key'
	LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.checkpoint_key() IS
	'The public key that checkpoints of this database are signed with: verifier form NAME+HEXID+BASE64 of C2SP signed-note, and PEM. Raises 55000 if there is no usable key.';

CREATE FUNCTION dataclass_audit.check_checkpoint(note text,
		OUT verdict text, OUT size bigint, OUT detail text)
	RETURNS record
	AS 'MODULE_PATHNAME', 'dc_checkpoint_check'
	LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION dataclass_audit.check_checkpoint(text) IS
	'Compares a checkpoint that somebody kept with the trail: consistent, rewound (the trail is shorter), forked (it has another root at that size), foreign (of another log, or signed by no key of this one) or forged (the signature is wrong). Rewound and forked are recorded as breaches. Raises 22023 for what is no checkpoint.';

CREATE FUNCTION dataclass_audit.inclusion_proof(event bigint, size bigint DEFAULT NULL)
	RETURNS text
	AS 'MODULE_PATHNAME', 'dc_inclusion_proof'
	LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT;
COMMENT ON FUNCTION dataclass_audit.inclusion_proof(bigint, bigint) IS
	'Proof, as C2SP tlog-proof, that record event (its seq) is under the checkpoint of that size; NULL: under the last one, which is made if none covers the record. Raises 22023 if there is no such record or checkpoint.';

CREATE FUNCTION dataclass_audit.inclusion_proof(event uuid, size bigint DEFAULT NULL)
	RETURNS text
	AS 'MODULE_PATHNAME', 'dc_inclusion_proof_id'
	LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT;
COMMENT ON FUNCTION dataclass_audit.inclusion_proof(uuid, bigint) IS
	'The same for the record of an event_id that is still in the table.';

CREATE FUNCTION dataclass_audit.consistency_proof(old bigint, new bigint)
	RETURNS text
	AS 'MODULE_PATHNAME', 'dc_consistency_proof'
	LANGUAGE C STABLE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION dataclass_audit.consistency_proof(bigint, bigint) IS
	'Proof, as the body of add-checkpoint of C2SP tlog-witness, that the trail of old records is the beginning of the one under the checkpoint of size new. Raises 22023 if there is no checkpoint of that size.';

CREATE FUNCTION dataclass_audit.verify_inclusion(leaf_hash bytea, proof text)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'dc_verify_inclusion'
	LANGUAGE C STABLE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION dataclass_audit.verify_inclusion(bytea, text) IS
	'Does the proof show that a record of that leaf hash is under its checkpoint, and did a key of this trail sign that? Raises 22023 for what is no proof.';

CREATE FUNCTION dataclass_audit.verify_consistency(old_checkpoint text, proof text)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'dc_verify_consistency'
	LANGUAGE C STABLE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION dataclass_audit.verify_consistency(text, text) IS
	'Does the proof show that the trail under its checkpoint begins with the one under old_checkpoint, and did keys of this trail sign both? Raises 22023 for what is no proof or no checkpoint.';

CREATE FUNCTION dataclass_audit.verify_progress_rows(OUT pid integer, OUT datid oid, OUT phase text,
		OUT records_total bigint, OUT records_done bigint, OUT started timestamptz)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'dc_verify_progress'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.verify_progress_rows() IS 'Rows of view dataclass_audit.verify_progress.';

CREATE VIEW dataclass_audit.verify_progress AS
	SELECT p.pid, d.datname, p.phase, p.records_total, p.records_done, p.started
	FROM dataclass_audit.verify_progress_rows() p
		LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) p.datid;
COMMENT ON VIEW dataclass_audit.verify_progress IS
	'Calls of dataclass_audit.verify() that are running now in this cluster, and how many records they have checked.';

REVOKE ALL ON dataclass_audit.tile, dataclass_audit.checkpoint, dataclass_audit.verify_progress FROM PUBLIC;
REVOKE ALL ON FUNCTION dataclass_audit.make_checkpoint(), dataclass_audit.latest_checkpoint(),
	dataclass_audit.checkpoint_key(), dataclass_audit.check_checkpoint(text),
	dataclass_audit.inclusion_proof(bigint, bigint), dataclass_audit.inclusion_proof(uuid, bigint),
	dataclass_audit.consistency_proof(bigint, bigint), dataclass_audit.verify_inclusion(bytea, text),
	dataclass_audit.verify_consistency(text, text), dataclass_audit.verify_progress_rows() FROM PUBLIC;
GRANT SELECT ON dataclass_audit.tile, dataclass_audit.checkpoint, dataclass_audit.verify_progress
	TO dataclass_auditor, dataclass_officer;
GRANT EXECUTE ON FUNCTION dataclass_audit.make_checkpoint(), dataclass_audit.latest_checkpoint(),
	dataclass_audit.checkpoint_key(), dataclass_audit.check_checkpoint(text),
	dataclass_audit.inclusion_proof(bigint, bigint), dataclass_audit.inclusion_proof(uuid, bigint),
	dataclass_audit.consistency_proof(bigint, bigint), dataclass_audit.verify_inclusion(bytea, text),
	dataclass_audit.verify_consistency(text, text), dataclass_audit.verify_progress_rows()
	TO dataclass_auditor, dataclass_officer;
