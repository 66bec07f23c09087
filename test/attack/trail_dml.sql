-- title: changing the trail
-- role: dba
-- expect: denied
-- denials: 5
-- recorded: kind=trail_guard

DELETE FROM dataclass_audit.event;
UPDATE dataclass_audit.event SET outcome = 'allowed';
INSERT INTO dataclass_audit.event SELECT * FROM dataclass_audit.event LIMIT 1;
TRUNCATE dataclass_audit.event;
COPY dataclass_audit.event FROM STDIN;
\.
