-- title: who may create roles clears nobody
-- role: roleadmin
-- expect: denied
-- denials: 4
-- recorded: yes

SECURITY LABEL FOR dataclass ON ROLE plain IS 'secret:health';
SECURITY LABEL FOR dataclass ON ROLE roleadmin IS 'secret:health';
SECURITY LABEL FOR dataclass ON ROLE low IS NULL;
GRANT doctor TO roleadmin;
SELECT * FROM att.secret;
