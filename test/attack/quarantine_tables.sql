-- title: writing what the extension found out about storage
-- role: dba
-- expect: denied
-- denials: 9
-- recorded: kind=trail_guard

DELETE FROM dataclass.quarantine;
TRUNCATE dataclass.quarantine;
UPDATE dataclass.place_state SET verdict = 'encrypted', grade = 5, violates = '{}';
INSERT INTO dataclass.accepted_risk VALUES ('att.secret'::regclass, 'infinity', 'forged', 'officer', now());
DELETE FROM dataclass.place_state;
TRUNCATE dataclass.place_state, dataclass.accepted_risk;
COPY dataclass.accepted_risk FROM STDIN;
\.
LOCK TABLE dataclass.place_state IN SHARE MODE;
DROP FUNCTION dataclass.check_storage(bool);
