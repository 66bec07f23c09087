-- Profiles: the policy as one document, its versions, disclosure windows
-- (src/policy/profile_*.c, src/atrest/profile_*.c).

CREATE TABLE dataclass.disclosure_window (
	class		pg_catalog.text NOT NULL,
	recipient	pg_catalog.text NOT NULL
				CHECK (pg_catalog.char_length(recipient) OPERATOR(pg_catalog.>=) 1 AND pg_catalog.char_length(recipient) OPERATOR(pg_catalog.<=) 200),
	within		pg_catalog."interval" NOT NULL
				CHECK (within OPERATOR(pg_catalog.>=) '0'::pg_catalog."interval" AND within OPERATOR(pg_catalog.<=) '3650 days'::pg_catalog."interval"
					AND pg_catalog.date_trunc('second', within) OPERATOR(pg_catalog.=) within),
	description pg_catalog.text,
	shipped		pg_catalog.bool NOT NULL DEFAULT false,
	PRIMARY KEY (class, recipient)
);
COMMENT ON TABLE dataclass.disclosure_window IS
	'who has to be told of a breach that concerns data of a class, and within which time of its discovery; 0: as soon as it is discovered';
COMMENT ON COLUMN dataclass.disclosure_window.within IS 'whole seconds, at most ten years';

CREATE TABLE dataclass.profile_version (
	version			pg_catalog.int4 PRIMARY KEY,
	name			pg_catalog.text NOT NULL,
	profile_version pg_catalog.text NOT NULL,
	loaded_at		pg_catalog.timestamptz NOT NULL,
	loaded_by		pg_catalog.text NOT NULL,
	authenticated	pg_catalog.text NOT NULL,
	document		pg_catalog.text NOT NULL,
	signature		pg_catalog.bytea,
	key_id			pg_catalog.text,
	forced			pg_catalog.bool NOT NULL,
	difference		pg_catalog.jsonb NOT NULL,
	shipped			pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE dataclass.profile_version IS
	'every profile that was loaded, oldest first; written by dataclass.load_profile() only, and by a restore into a database that has none but the shipped one';
COMMENT ON COLUMN dataclass.profile_version.profile_version IS 'what the document calls its version';
COMMENT ON COLUMN dataclass.profile_version.authenticated IS 'role that the session authenticated as; loaded_by may have been taken on';
COMMENT ON COLUMN dataclass.profile_version.key_id IS 'SHA-256 of the public key that made the signature, in hex';
COMMENT ON COLUMN dataclass.profile_version.difference IS 'what it changed in the policy that was there: object, member, before, after';

CREATE FUNCTION dataclass.profile_row_guard() RETURNS pg_catalog.trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'dc_profile_row_guard';
COMMENT ON FUNCTION dataclass.profile_row_guard() IS 'row trigger of the tables of a profile: refuses what dataclass.require_signed_policy does not let through';
CREATE FUNCTION dataclass.profile_version_restore() RETURNS pg_catalog.trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'dc_profile_version_restore';
COMMENT ON FUNCTION dataclass.profile_version_restore() IS 'statement trigger of profile_version: a restored history replaces the shipped version, and no other';
REVOKE ALL ON FUNCTION dataclass.profile_row_guard(), dataclass.profile_version_restore() FROM PUBLIC;

DO $do$
DECLARE
	t pg_catalog.text;
BEGIN
	FOREACH t IN ARRAY ARRAY['disclosure_window', 'profile_version'] LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dataclass.%I FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_changed()', t);
		EXECUTE pg_catalog.format('ALTER TABLE dataclass.%I ENABLE ALWAYS TRIGGER policy_changed', t);
		EXECUTE pg_catalog.format('REVOKE ALL ON dataclass.%I FROM PUBLIC', t);
		EXECUTE pg_catalog.format('GRANT SELECT ON dataclass.%I TO dataclass_officer, dataclass_auditor', t);
		PERFORM pg_catalog.pg_extension_config_dump(pg_catalog.format('dataclass.%I', t)::pg_catalog.regclass, '');
	END LOOP;
	FOREACH t IN ARRAY ARRAY['tier', 'tier_control', 'data_class', 'policy_setting', 'disclosure_window', 'profile_version'] LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER profile_guard BEFORE INSERT OR UPDATE OR DELETE ON dataclass.%I FOR EACH ROW EXECUTE FUNCTION dataclass.profile_row_guard()', t);
		EXECUTE pg_catalog.format('ALTER TABLE dataclass.%I ENABLE ALWAYS TRIGGER profile_guard', t);
	END LOOP;
END
$do$;
GRANT INSERT, UPDATE, DELETE ON dataclass.disclosure_window TO dataclass_officer;
CREATE TRIGGER policy_restore BEFORE INSERT ON dataclass.disclosure_window
	FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_restore();
ALTER TABLE dataclass.disclosure_window ENABLE ALWAYS TRIGGER policy_restore;
CREATE TRIGGER profile_version_restore BEFORE INSERT ON dataclass.profile_version
	FOR EACH STATEMENT EXECUTE FUNCTION dataclass.profile_version_restore();
ALTER TABLE dataclass.profile_version ENABLE ALWAYS TRIGGER profile_version_restore;

CREATE FUNCTION dataclass.load_profile(document pg_catalog.text, signature pg_catalog.bytea DEFAULT NULL, force pg_catalog.bool DEFAULT false)
	RETURNS pg_catalog.int4 LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_load_profile';
COMMENT ON FUNCTION dataclass.load_profile(pg_catalog.text, pg_catalog.bytea, pg_catalog.bool) IS
	'replaces classes, tiers, controls, settings and disclosure windows by those of a profile document (officers); compartments and row labels stay. signature: Ed25519 over the bytes of the document, 64 bytes. force: load it although it puts objects outside of the policy or is an older version. Returns the version of the policy. Errors: 22023 invalid document, with the JSON path, 54000 limit, 42501 no officer or no good signature, 55000 impact, older version or no trust anchors';
-- Not granted to officers alone: whoever is none is refused by the function, and that is recorded.

CREATE FUNCTION dataclass.profile_impact(document pg_catalog.text,
	OUT object_type pg_catalog.text, OUT identity pg_catalog.text, OUT label pg_catalog.text, OUT what pg_catalog.text,
	OUT required pg_catalog.text, OUT found pg_catalog.text, OUT reason pg_catalog.text)
	RETURNS SETOF pg_catalog.record LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_profile_impact';
COMMENT ON FUNCTION dataclass.profile_impact(pg_catalog.text) IS
	'what a profile would do to what exists, without loading it: below its tier (data lie where their class may not be, required and found are tiers), class unknown, row labels unknown, order changes. Errors: 22023, 54000 as load_profile()';

CREATE FUNCTION dataclass.export_profile() RETURNS pg_catalog.text
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_export_profile';
COMMENT ON FUNCTION dataclass.export_profile() IS
	'the present policy as a canonical profile document, which loads to the same policy; title, version and sources are those of the profile last loaded under this name. Error 22023 if hand-made rows hold what no profile can';

CREATE FUNCTION dataclass.profile_diff(a pg_catalog.int4, b pg_catalog.int4 DEFAULT NULL,
	OUT object pg_catalog.text, OUT member pg_catalog.text, OUT before pg_catalog.text, OUT after pg_catalog.text)
	RETURNS SETOF pg_catalog.record LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_profile_diff';
COMMENT ON FUNCTION dataclass.profile_diff(pg_catalog.int4, pg_catalog.int4) IS
	'what differs from version a of the policy to version b, of dataclass.profile_version; null: the policy as it is. Error 42704 for a version that does not exist';

CREATE FUNCTION dataclass.verify_policy(OUT item pg_catalog.text, OUT verdict pg_catalog.text, OUT detail pg_catalog.text)
	RETURNS SETOF pg_catalog.record LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_verify_policy';
COMMENT ON FUNCTION dataclass.verify_policy() IS
	'is the policy still what the profile last loaded says? Rows: version; signature (good, bad, revoked, none, unknown), checked now; tables (ok), or a row per difference (differs)';

CREATE FUNCTION dataclass.shipped_profile(name pg_catalog.text) RETURNS pg_catalog.text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'dc_shipped_profile';
COMMENT ON FUNCTION dataclass.shipped_profile(pg_catalog.text) IS
	'the document of a profile that comes with the extension; see dataclass.shipped_profiles(). Errors: 22023 malformed name, 42704 no such profile';
CREATE FUNCTION dataclass.shipped_profiles(OUT name pg_catalog.text, OUT version pg_catalog.text, OUT title pg_catalog.text, OUT classes pg_catalog.int4)
	RETURNS SETOF pg_catalog.record LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'dc_shipped_profiles';
COMMENT ON FUNCTION dataclass.shipped_profiles() IS 'the profiles that come with the extension';

REVOKE ALL ON FUNCTION dataclass.profile_impact(pg_catalog.text), dataclass.export_profile(),
	dataclass.profile_diff(pg_catalog.int4, pg_catalog.int4), dataclass.verify_policy(),
	dataclass.shipped_profile(pg_catalog.text), dataclass.shipped_profiles() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.profile_impact(pg_catalog.text), dataclass.export_profile(),
	dataclass.profile_diff(pg_catalog.int4, pg_catalog.int4), dataclass.verify_policy(),
	dataclass.shipped_profile(pg_catalog.text), dataclass.shipped_profiles() TO dataclass_officer, dataclass_auditor;

-- The profile that this script has put into the tables is the first version.
INSERT INTO dataclass.disclosure_window (class, recipient, within, description, shipped)
	SELECT c.name, 'Cloud Office', '0'::pg_catalog."interval", 'any breach is disclosed as soon as it is discovered; no number of hours was found', true
	FROM dataclass.data_class c;
INSERT INTO dataclass.profile_version (version, name, profile_version, loaded_at, loaded_by, authenticated, document, forced, difference, shipped)
	SELECT 1, d.document::pg_catalog.jsonb OPERATOR(pg_catalog.->>) 'name', d.document::pg_catalog.jsonb OPERATOR(pg_catalog.->>) 'version',
		pg_catalog.now(), current_user, session_user, d.document, false, '[]', true
	FROM (SELECT dataclass.shipped_profile('pakistan-cloud-first') AS document) d;
