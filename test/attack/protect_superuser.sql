-- title: a superuser who is no officer takes row labels away
-- role: dba
-- expect: denied
-- denials: 3
-- recorded: kind=label_refused rule=officer

SELECT dataclass.unprotect('att.prot');
SELECT dataclass.protect('att.prot', 'open');
SET ROLE dataclass_officer;
SELECT dataclass.unprotect('att.prot');
RESET ROLE;
SELECT * FROM att.prot;
