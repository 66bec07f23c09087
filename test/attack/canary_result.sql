-- title: a proof of encryption written by hand
-- role: dba
-- expect: denied
-- denials: 6
-- recorded: kind=trail_guard

INSERT INTO dataclass.canary_result VALUES (now(), 'officer', 'heap', 2, 'pg_default', current_setting('server_version_num')::int, 'encrypted', '');
UPDATE dataclass.canary_result SET verdict = 'encrypted';
DELETE FROM dataclass.canary_result;
TRUNCATE dataclass.canary_result;
WITH w AS (INSERT INTO dataclass.canary_result VALUES (now(), 'officer', 'heap', 2, 'pg_default', 150000, 'encrypted', '') RETURNING 1) SELECT * FROM w;
ALTER TABLE dataclass.canary_result ALTER verdict SET DEFAULT 'encrypted';
