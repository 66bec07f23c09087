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
	CONSTRAINT checkpoint_pkey PRIMARY KEY (size)
) USING heap;
COMMENT ON TABLE dataclass_audit.checkpoint IS
	'Checkpoints of the trail: signed notes as in C2SP tlog-checkpoint. size: records under it; root: RFC 9162 root over them; reason: begin, records, interval, breach or asked.';
REVOKE ALL ON dataclass_audit.tile, dataclass_audit.checkpoint FROM PUBLIC;
GRANT SELECT ON dataclass_audit.tile, dataclass_audit.checkpoint TO dataclass_auditor, dataclass_officer;
