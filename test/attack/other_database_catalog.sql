-- title: shared catalogs written in a database without the extension
-- role: dba
-- expect: denied
-- denials: 3

\c template1
INSERT INTO pg_shseclabel VALUES ('dba'::regrole, 'pg_authid'::regclass, 'dataclass', 'secret:health with (declassify)');
INSERT INTO pg_auth_members VALUES ('dataclass_officer'::regrole, 'dba'::regrole, 10, false);
\c att
SELECT body FROM att.secret;
