-- Ranges of the trail that were moved to files (src/audit/archive*.c).

CREATE TABLE dataclass_audit.archived_range (
	from_seq    bigint NOT NULL,
	to_seq      bigint NOT NULL,
	file        text NOT NULL,
	bytes       bigint NOT NULL,
	sha256      bytea NOT NULL,
	archived_at timestamptz NOT NULL,
	archived_by text NOT NULL,
	CONSTRAINT archived_range_pkey PRIMARY KEY (from_seq)
) USING heap;
COMMENT ON TABLE dataclass_audit.archived_range IS
	'Ranges of records that dataclass_audit.archive() wrote to files and took out of the table: always from record 1 on without gaps, in whole tiles of 256. Their leaf hashes stay in dataclass_audit.tile.';
REVOKE ALL ON dataclass_audit.archived_range FROM PUBLIC;
GRANT SELECT ON dataclass_audit.archived_range TO dataclass_auditor, dataclass_officer;
