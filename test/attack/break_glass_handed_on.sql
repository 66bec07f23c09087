-- title: emergency access that a session opened, after it became somebody else
-- role: medic
-- expect: denied
-- denials: 6
-- recorded: kind=access_denied rule=dominance
-- required: ^10$

SELECT dataclass.break_glass('test of the emergency') > now();
SELECT count(*) FROM att.rows WHERE body LIKE 'OPEN-ROW%';
SET ROLE plain;
SELECT body FROM att.secret;
SET ROLE medic;
SELECT body FROM att.secret;
SELECT count(*) FROM att.rows;
PREPARE s AS SELECT count(*) FROM att.secret;
SELECT dataclass.break_glass('test of the emergency') > now();
SELECT dataclass.end_break_glass();
EXECUTE s;
SELECT dataclass.break_glass('test of the emergency') > now();
DISCARD ALL;
SELECT body FROM att.secret;
SELECT dataclass.break_glass('test of the emergency', '20 milliseconds') > now();
SELECT pg_sleep(0.05);
SELECT body FROM att.secret;
SELECT dataclass.break_glass('test of the emergency') > now();
SET SESSION AUTHORIZATION medic;
SELECT body FROM att.secret;
