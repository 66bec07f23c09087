-- title: an officer rewrites what was loaded when, and by whom
-- role: officer
-- expect: denied
-- denials: 5
-- recorded: no

UPDATE dataclass.profile_version SET loaded_by = 'somebody else';
DELETE FROM dataclass.profile_version;
COPY dataclass.profile_version FROM STDIN;
\.
INSERT INTO dataclass.profile_version SELECT 9, name, '9', now(), 'x', 'x', document, NULL, NULL, false, '[]', true FROM dataclass.profile_version;
TRUNCATE dataclass.profile_version;
