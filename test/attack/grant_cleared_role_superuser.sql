-- title: a superuser grants himself a cleared role, or an officer's
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: yes

GRANT doctor TO dba;
GRANT dataclass_officer TO dba;
CREATE ROLE mole2 LOGIN IN ROLE doctor;
SELECT * FROM att.secret;
