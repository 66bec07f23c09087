-- title: who is no officer accepts, withdraws and releases
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: kind=trail_guard rule=officer

SELECT dataclass.accept_risk('att.secret', 'I say so', now() + interval '1 day');
SELECT dataclass.withdraw_risk('att.secret', 'I say so');
SELECT dataclass.release_quarantine('att.secret', 'I say so');
SET ROLE officer;
RESET ROLE;
DO $$ BEGIN PERFORM dataclass.accept_risk('att.rows', 'I say so', now() + interval '1 day'); END $$;
