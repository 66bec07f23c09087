-- Relations that nobody has labelled, and what their columns look like.  See
-- src/atrest/unlabelled*.c.

CREATE TABLE dataclass.suggestion (
	kind	pg_catalog.text PRIMARY KEY
			CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['national_id', 'passport', 'phone', 'email', 'iban', 'payment_card', 'coordinates', 'birth', 'health', 'biometric', 'ip_address', 'name', 'address'])),
	class	pg_catalog.text NOT NULL
);
COMMENT ON TABLE dataclass.suggestion IS
	'class to suggest for columns that look like a kind of personal data; without a row, or with a class that the policy does not have: the class below the highest for national_id, passport, iban, payment_card, health and biometric, the one in the middle for the others';
REVOKE ALL ON dataclass.suggestion FROM PUBLIC;
GRANT SELECT ON dataclass.suggestion TO dataclass_officer, dataclass_auditor;
GRANT INSERT, UPDATE, DELETE ON dataclass.suggestion TO dataclass_officer;
CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dataclass.suggestion
	FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_changed();
ALTER TABLE dataclass.suggestion ENABLE ALWAYS TRIGGER policy_changed;
SELECT pg_catalog.pg_extension_config_dump('dataclass.suggestion', '');

CREATE FUNCTION dataclass.find_unlabelled(
	sample_rows pg_catalog.int4 DEFAULT 1000,
	OUT relation pg_catalog.regclass,
	OUT "column" pg_catalog.text,
	OUT type pg_catalog.text,
	OUT suggestion pg_catalog.text,
	OUT kinds pg_catalog.text[],
	OUT evidence pg_catalog.text[],
	OUT share pg_catalog.float4,
	OUT rows_sampled pg_catalog.int8,
	OUT statement pg_catalog.text,
	OUT note pg_catalog.text)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_find_unlabelled';
COMMENT ON FUNCTION dataclass.find_unlabelled(pg_catalog.int4) IS
	'the rows of dataclass.unlabelled (officers); sample_rows: rows looked at per table, 0 to 100000, from at most 256 blocks chosen at random, 0: names and types alone. Values never leave the function. Each call is recorded. Errors: 42501 not an officer, 22023 number out of range, 58030 cannot be recorded.';
-- Not granted to officers alone: whoever is none is refused by the function, and that is recorded.

CREATE VIEW dataclass.unlabelled AS
	SELECT relation, "column", type, suggestion, kinds, evidence, share, rows_sampled, statement, note
	FROM dataclass.find_unlabelled();
REVOKE ALL ON dataclass.unlabelled FROM PUBLIC;
GRANT SELECT ON dataclass.unlabelled TO dataclass_officer;
COMMENT ON VIEW dataclass.unlabelled IS
	'relations without an effective label: a row for each, and one for each of its columns that looks like personal data, with the class to consider and the statement that sets it';
COMMENT ON COLUMN dataclass.unlabelled."column" IS 'NULL: the relation as a whole';
COMMENT ON COLUMN dataclass.unlabelled.suggestion IS 'class of the policy, see dataclass.suggestion; NULL: nothing found';
COMMENT ON COLUMN dataclass.unlabelled.kinds IS 'kinds of personal data that it looks like';
COMMENT ON COLUMN dataclass.unlabelled.evidence IS 'by what: name, type, format of sampled values';
COMMENT ON COLUMN dataclass.unlabelled.share IS 'part of the sampled values, NULL left out, with the format of the most frequent kind; 0.25 and more counts';
COMMENT ON COLUMN dataclass.unlabelled.rows_sampled IS 'rows looked at; 0: by names and types alone';
COMMENT ON COLUMN dataclass.unlabelled.statement IS 'sets the suggested label';
COMMENT ON COLUMN dataclass.unlabelled.note IS 'why its rows were not looked at';
