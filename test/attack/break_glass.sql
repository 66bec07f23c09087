-- title: emergency access without the privilege, by way of another's function, and after the role changed
-- role: low
-- expect: denied
-- denials: 9
-- recorded: yes

SELECT dataclass.break_glass('curious');
SELECT body FROM att.secret;
BEGIN;
SELECT dataclass.break_glass('curious', '1 hour');
ROLLBACK;
CREATE FUNCTION scratch.opener() RETURNS timestamptz LANGUAGE sql SECURITY DEFINER AS $$ SELECT dataclass.break_glass('curious') $$;
SELECT scratch.opener();
SELECT body FROM att.secret;
DO $$ BEGIN PERFORM dataclass.break_glass('curious'); EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
SELECT body FROM att.secret;
\c - - - -
SECURITY LABEL FOR dataclass ON ROLE low IS 'restricted:health with (break_glass)';
SELECT dataclass.set_label('role', 'low', 'restricted:health with (break_glass)');
UPDATE dataclass.policy_setting SET value = '99999' WHERE name = 'break_glass_minutes';
INSERT INTO dataclass.policy_setting (name, value) VALUES ('break_glass_minutes', '99999');
