-- Policy: data that officers change and that pg_dump carries.
-- Column "shipped" marks rows of the profile that comes with the extension;
-- the first row restored from a dump replaces them (see policy_restore).

CREATE TABLE dataclass.tier (
	name		pg_catalog.text PRIMARY KEY CHECK (name OPERATOR(pg_catalog.~) '^[a-z][a-z0-9_-]{0,62}$'),
	rank		pg_catalog.int4 NOT NULL UNIQUE CHECK (rank OPERATOR(pg_catalog.>=) 0),
	description pg_catalog.text,
	shipped		pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE dataclass.tier IS 'ordered sets of security controls, lowest rank first';

CREATE TABLE dataclass.tier_control (
	tier		pg_catalog.text NOT NULL,
	control		pg_catalog.text NOT NULL CHECK (control OPERATOR(pg_catalog.~) '^[a-z][a-z0-9_]{0,62}$'),
	requirement pg_catalog.text NOT NULL,
	shipped		pg_catalog.bool NOT NULL DEFAULT false,
	PRIMARY KEY (tier, control)
);
COMMENT ON TABLE dataclass.tier_control IS
	'what a tier requires; controls of lower tiers hold too. transport: any < tls < tls1.2 < tls1.3 < mtls (a unix socket satisfies all); authentication: trust < password < md5 < scram < gss, cert, peer; client_network: any, or a list of unix, loopback and networks; cipher_strength: none, or bits; password_encryption: any < md5 < scram-sha-256; fips: none < on; audit_durability: async < sync; at_rest and, for places that all data share, wal, temp, journal, log, archive, swap, core_dump: none < encrypted (at_rest holds for a place whose control no tier names); at_rest_key: none, or the least number of key bits seen; checksums: none < on; hosting: none < attested. A control or requirement that is not known is never satisfied.';

CREATE TABLE dataclass.data_class (
	name			pg_catalog.text PRIMARY KEY CHECK (name OPERATOR(pg_catalog.~) '^[a-z][a-z0-9_-]{0,62}$'),
	rank			pg_catalog.int4 NOT NULL UNIQUE CHECK (rank OPERATOR(pg_catalog.>=) 0),
	required_tier	pg_catalog.text NOT NULL,
	hosting_models	pg_catalog.text[] NOT NULL DEFAULT '{}',
	read_audit		pg_catalog.text NOT NULL DEFAULT 'none'
					CHECK (read_audit OPERATOR(pg_catalog.=) ANY (ARRAY['none', 'session', 'statement'])),
	min_evidence	pg_catalog.int4 NOT NULL DEFAULT 0
					CHECK (min_evidence OPERATOR(pg_catalog.>=) 0 AND min_evidence OPERATOR(pg_catalog.<=) 5),
	regions			pg_catalog.text[] NOT NULL DEFAULT '{}',
	on_violation	pg_catalog.text NOT NULL DEFAULT 'quarantine'
					CHECK (on_violation OPERATOR(pg_catalog.=) ANY (ARRAY['record', 'quarantine'])),
	read_audit_acknowledged pg_catalog.bool NOT NULL DEFAULT false,
	superuser_audit	pg_catalog.bool NOT NULL DEFAULT false,
	description		pg_catalog.text,
	shipped			pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE dataclass.data_class IS 'ordered sensitivity of data, lowest rank first, and the tier each class needs';
COMMENT ON COLUMN dataclass.data_class.hosting_models IS
	'where the class may live, by signed attestation: public-cloud, government-cloud, private-cloud, on-premises or the profile''s own; empty: anywhere';
COMMENT ON COLUMN dataclass.data_class.regions IS
	'countries the class may live in, ISO 3166-1 alpha-2 codes, by signed attestation; empty: anywhere';
COMMENT ON COLUMN dataclass.data_class.read_audit IS
	'which reads of the class are recorded: none, session (the first of a relation by a session, per role) or statement (each)';
COMMENT ON COLUMN dataclass.data_class.read_audit_acknowledged IS
	'records of reads are durable before the first row leaves, and the read is refused where that is impossible; otherwise they are handed over without waiting';
COMMENT ON COLUMN dataclass.data_class.superuser_audit IS
	'each access by a role that core exempts from row security (superusers, BYPASSRLS) is recorded as superuser_access';
COMMENT ON COLUMN dataclass.data_class.on_violation IS
	'when data are found below their tier: quarantine (recorded, and denied until healed or the risk is accepted) or record';
COMMENT ON COLUMN dataclass.data_class.min_evidence IS
	'least grade of evidence of encryption at rest: 0 unknown, 1 declared, 2 kernel-reported, 3 with key present, 4 signed attestation, 5 canary';

CREATE TABLE dataclass.compartment (
	name		pg_catalog.text PRIMARY KEY
				CHECK (name OPERATOR(pg_catalog.~) '^[a-z][a-z0-9_-]{0,62}(\.[a-z][a-z0-9_-]{0,62})*$'),
	description pg_catalog.text,
	shipped		pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE dataclass.compartment IS 'need-to-know groups; a compartment covers its dotted descendants';

CREATE TABLE dataclass.row_label (
	id			dataclass.label PRIMARY KEY,
	label		pg_catalog.text NOT NULL UNIQUE,
	shipped		pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE dataclass.row_label IS 'registered row labels; rows with any other label are seen by nobody';

CREATE TABLE dataclass.policy_setting (
	name		pg_catalog.text PRIMARY KEY CHECK (name OPERATOR(pg_catalog.=) ANY (ARRAY['default_clearance', 'unlabelled', 'profile', 'check_at_start', 'max_risk_days', 'retention_days', 'break_glass_minutes'])),
	value		pg_catalog.text NOT NULL,
	description pg_catalog.text,
	shipped		pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE dataclass.policy_setting IS
	'default_clearance: clearance of roles without a label (empty: none); unlabelled: ungoverned | denied; profile: name of the profile; check_at_start: on | off, storage is checked by each governed statement until the watch has looked once since the server started; max_risk_days: for how many days a risk may be accepted (90); retention_days: for how many days records of the audit trail are not archived (0); break_glass_minutes: for how many minutes emergency access may be opened (60), 0: not at all';

CREATE TABLE dataclass.quarantine (
	relation	pg_catalog.oid PRIMARY KEY,
	reason		pg_catalog.text NOT NULL,
	since		pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
	place		pg_catalog.text,
	origin		pg_catalog.text NOT NULL DEFAULT 'restore'
				CHECK (origin OPERATOR(pg_catalog.=) ANY (ARRAY['restore', 'watch', 'response']))
);
COMMENT ON TABLE dataclass.quarantine IS 'relations that nobody may read until they are where their class may be, or until an officer accepts the risk; written by the extension alone';
COMMENT ON COLUMN dataclass.quarantine.place IS 'place that is not good enough, the first one found';
COMMENT ON COLUMN dataclass.quarantine.origin IS 'restore: let in by a restore, ends with release_quarantine(); watch: found by the watch, ends by itself when storage is good again; response: by a rule of response_rule, ends with release_quarantine()';

-- Triggers keep every backend and the trail informed.  ENABLE ALWAYS:
-- session_replication_role must not switch them off.
CREATE FUNCTION dataclass.policy_changed() RETURNS pg_catalog.trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'dc_policy_changed';
COMMENT ON FUNCTION dataclass.policy_changed() IS 'statement trigger of the policy tables: invalidates every backend at commit, records the change';
CREATE FUNCTION dataclass.policy_restore() RETURNS pg_catalog.trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'dc_policy_restore';
COMMENT ON FUNCTION dataclass.policy_restore() IS 'statement trigger of the policy tables: while a dump is restored, its rows replace the shipped ones';
CREATE FUNCTION dataclass.row_label_check() RETURNS pg_catalog.trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'dc_row_label_check';
COMMENT ON FUNCTION dataclass.row_label_check() IS 'row trigger of row_label: canonical text, id by content, known names';
REVOKE ALL ON FUNCTION dataclass.policy_changed(), dataclass.policy_restore(), dataclass.row_label_check() FROM PUBLIC;

CREATE TRIGGER row_label_check BEFORE INSERT OR UPDATE ON dataclass.row_label
	FOR EACH ROW EXECUTE FUNCTION dataclass.row_label_check();
ALTER TABLE dataclass.row_label ENABLE ALWAYS TRIGGER row_label_check;

DO $do$
DECLARE
	t pg_catalog.text;
BEGIN
	FOREACH t IN ARRAY ARRAY['tier', 'tier_control', 'data_class', 'compartment', 'row_label', 'policy_setting', 'quarantine'] LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dataclass.%I FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_changed()', t);
		EXECUTE pg_catalog.format('ALTER TABLE dataclass.%I ENABLE ALWAYS TRIGGER policy_changed', t);
		EXECUTE pg_catalog.format('REVOKE ALL ON dataclass.%I FROM PUBLIC', t);
		EXECUTE pg_catalog.format('GRANT SELECT ON dataclass.%I TO dataclass_officer, dataclass_auditor', t);
		IF t OPERATOR(pg_catalog.<>) 'quarantine' THEN
			EXECUTE pg_catalog.format('GRANT INSERT, UPDATE, DELETE ON dataclass.%I TO dataclass_officer', t);
			EXECUTE pg_catalog.format('CREATE TRIGGER policy_restore BEFORE INSERT ON dataclass.%I FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_restore()', t);
			EXECUTE pg_catalog.format('ALTER TABLE dataclass.%I ENABLE ALWAYS TRIGGER policy_restore', t);
			PERFORM pg_catalog.pg_extension_config_dump(pg_catalog.format('dataclass.%I', t)::pg_catalog.regclass, '');
		END IF;
	END LOOP;
END
$do$;

-- Profile "pakistan-cloud-first": classes and tiers as reported of the
-- Pakistan Cloud First Policy (techchacho.com and propakistani.pk of
-- 14 March 2022, dawn.com/news/1675330, mplaw.com.pk of 3 March 2022).
-- Controls are the profile's own: no key length or method was found there.
INSERT INTO dataclass.tier (name, rank, description, shipped) VALUES
	('baseline', 0, 'any connection, any storage', true),
	('intermediate', 1, 'encrypted transport, verified identity', true),
	('enhanced', 2, 'current TLS, verified identity, encryption at rest', true),
	('highest', 3, 'newest TLS, verified identity, encryption at rest with the key seen', true);
INSERT INTO dataclass.tier_control (tier, control, requirement, shipped) VALUES
	('baseline', 'transport', 'any', true),
	('baseline', 'authentication', 'trust', true),
	('baseline', 'at_rest', 'none', true),
	('intermediate', 'transport', 'tls', true),
	('intermediate', 'authentication', 'scram', true),
	('enhanced', 'transport', 'tls1.2', true),
	('enhanced', 'authentication', 'scram', true),
	('enhanced', 'at_rest', 'encrypted', true),
	('highest', 'transport', 'tls1.3', true),
	('highest', 'authentication', 'scram', true),
	('highest', 'at_rest', 'encrypted', true);
INSERT INTO dataclass.data_class (name, rank, required_tier, hosting_models, min_evidence, description, shipped) VALUES
	('open', 0, 'baseline', '{public-cloud,government-cloud,private-cloud}', 0, 'publicly available, structured, fully discoverable and usable', true),
	('public', 1, 'baseline', '{public-cloud,government-cloud,private-cloud}', 0, 'public-sector, non-confidential, publicly available', true),
	('restricted', 2, 'intermediate', '{government-cloud,private-cloud}', 0, 'its compromise can undermine the country''s reputation even where it is publicly available', true),
	('confidential', 3, 'enhanced', '{government-cloud,private-cloud}', 2, 'not intended to be published; an authorised group only', true),
	('secret', 4, 'highest', '{government-cloud,private-cloud}', 3, 'highest level of protection from serious threats', true);
INSERT INTO dataclass.row_label (id, label, shipped)
	SELECT c.name::dataclass.label, c.name, true FROM dataclass.data_class c;
INSERT INTO dataclass.policy_setting (name, value, description, shipped) VALUES
	('default_clearance', 'public', 'clearance of a role that has no label and inherits none', true),
	('check_at_start', 'off', 'storage is checked before the first governed access after a start: on | off', true),
	('unlabelled', 'ungoverned', 'relations without an effective label: ungoverned | denied', true),
	('profile', 'pakistan-cloud-first', 'the profile these rows began as', true);
