-- title: CREATEROLE labels a role
-- role: roleadmin
-- expect: denied
-- denials: 2
-- recorded: kind=label_refused

SECURITY LABEL FOR dataclass ON ROLE plain IS 'secret:health';
SECURITY LABEL FOR dataclass ON ROLE roleadmin IS 'secret:health';
