-- title: CREATEROLE puts a role of his own in the place of dataclass_officer
-- role: roleadmin
-- expect: denied
-- denials: 2
-- recorded: yes

BEGIN;
ALTER ROLE dataclass_officer RENAME TO former_officer;
CREATE ROLE dataclass_officer ROLE roleadmin;
SECURITY LABEL FOR dataclass ON ROLE roleadmin IS 'secret:health';
SELECT body FROM att.secret;
ROLLBACK;
ALTER ROLE doctor RENAME TO somebody_else;
