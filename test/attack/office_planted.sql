-- title: code of a superuser that uses the office of the auditor and of the officer who run into it
-- role: dba
-- expect: denied
-- denials: 9
-- recorded: rule=direct_call

SET search_path = scratch;
CREATE VIEW news AS SELECT dataclass_audit.acknowledge(i, 'planted')::text FROM generate_series(1, 2) i;
CREATE VIEW closing AS SELECT dataclass_audit.close_incident(1, 'planted')::text;
CREATE FUNCTION closer() RETURNS void LANGUAGE sql AS $$ SELECT dataclass_audit.close_incident(1, 'planted') $$;
CREATE VIEW telling AS SELECT dataclass_audit.mark_notified(1, 'planted')::text;
CREATE VIEW pardon AS SELECT dataclass.reinstate_clearance('plain'::text::regrole, 'planted')::text;
CREATE FUNCTION pardoner() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM dataclass.reinstate_clearance('plain', 'planted'); RETURN 1; END $$;
CREATE VIEW risk AS SELECT dataclass.accept_risk('att.secret', 'planted', now() + interval '1 day')::text;
CREATE VIEW healed AS SELECT dataclass.release_quarantine('att.secret', 'planted')::text;
CREATE VIEW gone AS SELECT * FROM dataclass_audit.archive(now());
GRANT ALL ON news, closing, telling, pardon, risk, healed, gone TO PUBLIC;

\c - auditor
SELECT * FROM scratch.news;
SELECT * FROM scratch.closing;
SELECT scratch.closer();
SELECT * FROM scratch.gone;
\c - officer
SELECT * FROM scratch.telling;
SELECT * FROM scratch.pardon;
SELECT scratch.pardoner();
SELECT * FROM scratch.risk;
SELECT * FROM scratch.healed;
