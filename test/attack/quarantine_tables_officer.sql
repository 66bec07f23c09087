-- title: an officer writes what the extension found out about storage
-- role: officer
-- expect: denied
-- denials: 4

DELETE FROM dataclass.quarantine;
INSERT INTO dataclass.accepted_risk VALUES ('att.secret'::regclass, 'infinity', 'forged', 'officer', now());
UPDATE dataclass.place_state SET violates = '{}';
DELETE FROM dataclass.place_state;
