-- Response rules: what happens by itself when breaches pile up (src/audit/response_*.c).

CREATE TABLE dataclass.response_rule (
	name		pg_catalog.text PRIMARY KEY CHECK (name OPERATOR(pg_catalog.~) '^[a-z][a-z0-9_-]{0,62}$'),
	kind		pg_catalog.text,
	rule		pg_catalog.text,
	min_class	pg_catalog.text,
	threshold	pg_catalog.int4 NOT NULL DEFAULT 1
				CHECK (threshold OPERATOR(pg_catalog.>=) 1 AND threshold OPERATOR(pg_catalog.<=) 100000),
	"window"	pg_catalog.interval NOT NULL DEFAULT '1 hour'
				CHECK ("window" OPERATOR(pg_catalog.>) '0' AND "window" OPERATOR(pg_catalog.<=) '31 days'),
	measure		pg_catalog.text NOT NULL
				CHECK (measure OPERATOR(pg_catalog.=) ANY (ARRAY['notify', 'end_session', 'suspend_clearance', 'quarantine'])),
	all_sessions pg_catalog.bool NOT NULL DEFAULT false,
	enabled		pg_catalog.bool NOT NULL DEFAULT true,
	description pg_catalog.text,
	shipped		pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE dataclass.response_rule IS
	'what follows by itself when somebody, or about some relation, breaches pile up: threshold breaches (repeats count) within window, then measure. Counting begins anew after each measure. A measure that would leave no officer who can log in is not applied; that is recorded.';
COMMENT ON COLUMN dataclass.response_rule.kind IS 'kind of event that counts, as in dataclass_audit.event; null: every kind of breach';
COMMENT ON COLUMN dataclass.response_rule.rule IS 'rule that was broken, as in dataclass_audit.event; null: any';
COMMENT ON COLUMN dataclass.response_rule.min_class IS 'breaches about this class and higher ones; null: all, those about no class too. A class that does not exist is reached by none.';
COMMENT ON COLUMN dataclass.response_rule.threshold IS 'from how many breaches on: of one role that logged in; for quarantine, about one relation';
COMMENT ON COLUMN dataclass.response_rule.window IS 'within which they lie, 31 days at most';
COMMENT ON COLUMN dataclass.response_rule.measure IS
	'notify: a notice; end_session: the session of the last breach is ended; suspend_clearance: the role that logged in has no clearance until reinstate_clearance(); quarantine: the relation is denied to all until release_quarantine()';
COMMENT ON COLUMN dataclass.response_rule.all_sessions IS 'end_session ends all sessions of the role in this database';

CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dataclass.response_rule
	FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_changed();
CREATE TRIGGER policy_restore BEFORE INSERT ON dataclass.response_rule
	FOR EACH STATEMENT EXECUTE FUNCTION dataclass.policy_restore();
ALTER TABLE dataclass.response_rule ENABLE ALWAYS TRIGGER policy_changed;
ALTER TABLE dataclass.response_rule ENABLE ALWAYS TRIGGER policy_restore;
REVOKE ALL ON dataclass.response_rule FROM PUBLIC;
GRANT SELECT ON dataclass.response_rule TO dataclass_officer, dataclass_auditor;
GRANT INSERT, UPDATE, DELETE ON dataclass.response_rule TO dataclass_officer;
SELECT pg_catalog.pg_extension_config_dump('dataclass.response_rule'::pg_catalog.regclass, '');

INSERT INTO dataclass.response_rule (name, kind, min_class, threshold, "window", measure, enabled, description, shipped) VALUES
	('secret-in-bulk', NULL, 'secret', 100, '10 minutes', 'notify', true, 'one notice more when somebody keeps trying at the highest class', true),
	('many-denials', 'access_denied', NULL, 20, '10 minutes', 'suspend_clearance', false, 'for officers to enable: whoever is denied again and again loses his clearance until an officer has looked', true);

CREATE TABLE dataclass.suspension (
	role		pg_catalog.oid PRIMARY KEY,
	name		pg_catalog.name NOT NULL,
	since		pg_catalog.timestamptz NOT NULL,
	reason		pg_catalog.text NOT NULL,
	rule		pg_catalog.text NOT NULL,
	seq			pg_catalog.int8,
	incident	pg_catalog.int8
);
COMMENT ON TABLE dataclass.suspension IS
	'roles whose clearance is suspended until an officer reinstates it: sessions that logged in as one have no clearance, nor has who takes it on or inherits from it, and one who is an officer does not count as such; written by the extension alone. Not dumped.';
COMMENT ON COLUMN dataclass.suspension.name IS 'of the role, when it was suspended';
COMMENT ON COLUMN dataclass.suspension.rule IS 'dataclass.response_rule';
COMMENT ON COLUMN dataclass.suspension.seq IS 'record of the trail that was the last straw';
COMMENT ON COLUMN dataclass.suspension.incident IS 'incident that the record belongs to';
REVOKE ALL ON dataclass.suspension FROM PUBLIC;
GRANT SELECT ON dataclass.suspension TO dataclass_officer, dataclass_auditor;

CREATE FUNCTION dataclass.reinstate_clearance(role pg_catalog.regrole, reason pg_catalog.text)
	RETURNS pg_catalog.void LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_reinstate_clearance';
COMMENT ON FUNCTION dataclass.reinstate_clearance(pg_catalog.regrole, pg_catalog.text) IS
	'ends the suspension of the clearance of a role; breaches from before count no more; recorded (officers, but not those who are suspended themselves). Errors: 42501 not an officer, 22023 no reason, 55000 not suspended';
-- Not granted to officers alone: whoever is none is refused by the function, and that is recorded.

CREATE TABLE dataclass_audit.measure (
	rule      text NOT NULL,
	target    text NOT NULL,
	seq       bigint NOT NULL,
	at        timestamptz NOT NULL,
	measure   text NOT NULL,
	outcome   text NOT NULL,
	breaches  bigint NOT NULL,
	detail    text,
	CONSTRAINT measure_pkey PRIMARY KEY (rule, target, seq)
) USING heap;
COMMENT ON TABLE dataclass_audit.measure IS
	'Each time a response rule was fulfilled: counting begins anew after seq. Rule "" and measure reinstate: an officer ended a suspension.';
COMMENT ON COLUMN dataclass_audit.measure.target IS 'role that logged in, or relation:oid';
COMMENT ON COLUMN dataclass_audit.measure.seq IS 'record of the trail that fulfilled the rule';
COMMENT ON COLUMN dataclass_audit.measure.outcome IS 'applied, in force (nothing to do) or refused (it could not be, or must not)';
COMMENT ON COLUMN dataclass_audit.measure.breaches IS 'how many were counted';

CREATE TABLE dataclass_audit.response_position (
	seq        bigint NOT NULL,
	updated_at timestamptz NOT NULL
) USING heap WITH (fillfactor = 20);
COMMENT ON TABLE dataclass_audit.response_position IS 'One row: the last record of the trail that response rules were applied to.';
INSERT INTO dataclass_audit.response_position VALUES (0, pg_catalog.now());

REVOKE ALL ON dataclass_audit.measure, dataclass_audit.response_position FROM PUBLIC;
GRANT SELECT ON dataclass_audit.measure, dataclass_audit.response_position TO dataclass_auditor, dataclass_officer;
