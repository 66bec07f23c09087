-- title: an officer writes what unprotect() puts back
-- role: officer
-- expect: denied
-- denials: 2

UPDATE dataclass.protected SET default_before = 'scratch.leak(''x'')';
DELETE FROM dataclass.protected;
