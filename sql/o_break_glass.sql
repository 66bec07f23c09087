-- Emergency access: who opens it, what it reaches, when it ends, and that all of it is recorded
CREATE TABLE ward (id int PRIMARY KEY, note text);
CREATE TABLE ledger (id int, note text, pin text);
CREATE TABLE ward_rows (id int, label dataclass.label NOT NULL, note text);
INSERT INTO ward VALUES (1, 'ward');
INSERT INTO ledger VALUES (1, 'ledger', 'pin');
GRANT ALL ON ward, ledger, ward_rows TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE ward IS 'restricted:health';
SECURITY LABEL FOR dataclass ON TABLE ledger IS 'secret:finance';
SECURITY LABEL FOR dataclass ON COLUMN ledger.pin IS 'secret:finance mask';
SECURITY LABEL FOR dataclass ON TABLE ward_rows IS 'secret:health,finance';
SELECT dataclass.create_label(l) IS NOT NULL FROM unnest(ARRAY['restricted:health', 'secret:finance']) l;
SET ROLE regress_boss;
INSERT INTO ward_rows VALUES (1, 'open', 'a'), (2, 'secret:finance', 'b');
RESET ROLE;
CREATE ROLE regress_medic;
SECURITY LABEL FOR dataclass ON ROLE regress_medic IS 'restricted:health with (break_glass)';
SET ROLE regress_clerk;
SELECT dataclass.break_glass('I want to');						-- fail: no privilege
RESET ROLE;
SET ROLE regress_medic;
SELECT clearance, privileges, break_glass_until FROM dataclass.session();
SELECT count(*) FROM ward;										-- ok
SELECT note FROM ledger;										-- fail
SELECT * FROM ward_rows ORDER BY id;							-- one
SELECT dataclass.break_glass('');								-- fail: no reason
SELECT dataclass.break_glass(NULL);								-- fail: no reason
SELECT dataclass.break_glass('a', '61 minutes');				-- fail: too long
SELECT dataclass.break_glass('a', '0');							-- fail: no time
SELECT dataclass.break_glass('a', NULL);						-- fail
SELECT dataclass.break_glass(repeat('a', 600));					-- fail: too long
PREPARE plan AS SELECT id, note, pin FROM ledger;
PREPARE rows AS SELECT id, label FROM ward_rows ORDER BY id;
EXECUTE rows;													-- one
BEGIN;
SELECT dataclass.break_glass('patient cannot be asked', '10 minutes') > now() + '9 minutes';	-- ok
ROLLBACK;														-- it is no part of the transaction
SELECT clearance, privileges, break_glass_until > now() AS open FROM dataclass.session();
SELECT id, note, pin FROM ledger;								-- ok
SELECT id, note, pin FROM ledger;								-- ok: another use
EXECUTE plan;													-- ok
EXECUTE rows;													-- two
SELECT count(*) FROM ward;										-- ok: not by emergency
UPDATE ledger SET note = 'ledger 2';							-- ok
UPDATE ward_rows SET note = 'c' WHERE id = 2;					-- ok
UPDATE ward_rows SET label = 'open' WHERE id = 2;				-- fail: no privilege to relabel
CREATE PUBLICATION p FOR TABLE ledger;							-- fail
SELECT object, allowed, clearance, reason FROM dataclass.explain_access('regress_medic', 'ledger');
SELECT object, allowed, rule, reason FROM dataclass.explain_access('regress_medic', 'ledger', 'EXPORT');
SET dataclass.session_ceiling = 'restricted:health';
SELECT id FROM ledger;											-- fail: the session narrowed itself
RESET dataclass.session_ceiling;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM ward_rows ORDER BY id;
FETCH c;
SELECT dataclass.end_break_glass();								-- ok
FETCH c;														-- fail, or hidden
ROLLBACK;
SELECT dataclass.end_break_glass();								-- nothing was open
SELECT id FROM ledger;											-- fail
EXECUTE plan;													-- fail
EXECUTE rows;													-- one
-- another role ends it for good
SELECT dataclass.break_glass('again') > now();					-- ok
SET ROLE regress_clerk;
SELECT id FROM ledger;											-- fail
SET ROLE regress_medic;
SELECT id FROM ledger;											-- fail
SELECT dataclass.break_glass('again') > now();					-- ok
RESET ROLE;
SET ROLE regress_medic;
SELECT id FROM ledger;											-- fail
SELECT dataclass.break_glass('again') > now();					-- ok
DO $$ BEGIN PERFORM set_config('role', 'regress_clerk', false); PERFORM set_config('role', 'regress_medic', false); END $$;
SELECT id FROM ledger;											-- fail
-- it expires
SELECT dataclass.break_glass('short', '50 milliseconds') > now();	-- ok
SELECT pg_sleep(0.1);
SELECT id FROM ledger;											-- fail
RESET ROLE;
-- not for the caller of somebody else's function, nor in a trusted procedure
CREATE FUNCTION opener() RETURNS timestamptz LANGUAGE sql SECURITY DEFINER AS $$ SELECT dataclass.break_glass('x') $$;
ALTER FUNCTION opener() OWNER TO regress_medic;
SET ROLE regress_clerk;
SELECT opener();												-- fail
RESET ROLE;
-- quarantine and the clearance itself stand above it
SET ROLE regress_medic;
SELECT dataclass.break_glass('again') > now();					-- ok
SELECT id FROM ledger;											-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE regress_medic IS 'restricted:health';
SET ROLE regress_medic;
SELECT dataclass.break_glass('again') > now();					-- fail: taken away
RESET ROLE;
INSERT INTO dataclass.policy_setting (name, value) VALUES ('break_glass_minutes', '0');
SECURITY LABEL FOR dataclass ON ROLE regress_medic IS 'restricted:health with (break_glass)';
SET ROLE regress_medic;
SELECT dataclass.break_glass('again');							-- fail: not at all
RESET ROLE;
DELETE FROM dataclass.policy_setting WHERE name = 'break_glass_minutes';
SET ROLE regress_auditor;
SELECT action, severity, outcome, breach, subject, object_type, object_identity, label, rule,
	regexp_replace(detail, 'until .*, reason', 'until ..., reason') AS detail
	FROM dataclass_audit.event WHERE kind = 'break_glass' ORDER BY seq;
SELECT kind, rule, count(*) FROM dataclass_audit.denied WHERE object_identity = 'public.ledger' GROUP BY 1, 2 ORDER BY 1, 2;
RESET ROLE;
