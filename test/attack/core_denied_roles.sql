-- title: becoming, changing or labelling what core itself refuses, swallowed or not
-- role: plain
-- expect: denied
-- denials: 7
-- recorded: yes

SET ROLE doctor;
SELECT set_config('role', 'doctor', false);
SET SESSION AUTHORIZATION doctor;
ALTER ROLE doctor NOLOGIN;
DROP ROLE doctor;
SECURITY LABEL FOR dataclass ON ROLE plain IS 'secret:health';
COMMENT ON ROLE doctor IS 'x';
DO $$ BEGIN SET ROLE doctor; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
