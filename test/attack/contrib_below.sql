-- title: contrib modules that read and write pages, WAL and files below the labels
-- role: dba
-- expect: denied
-- denials: 8
-- recorded: kind=access_denied

SET search_path = scratch;
CREATE EXTENSION pg_surgery;
CREATE EXTENSION pageinspect;
CREATE EXTENSION pg_walinspect;
CREATE EXTENSION adminpack;
SELECT heap_force_kill('dataclass_audit.event'::regclass, ARRAY['(0,1)']::tid[]);
SELECT heap_force_freeze('att.secret'::regclass, ARRAY['(0,1)']::tid[]);
ALTER FUNCTION heap_force_kill(regclass, tid[]) RENAME TO harmless;
SELECT harmless('dataclass_audit.head'::regclass, ARRAY['(0,1)']::tid[]);
DO $$ BEGIN PERFORM harmless('dataclass_audit.event'::regclass, ARRAY['(0,1)']::tid[]); END $$;
SELECT get_raw_page('att.secret', 0);
SELECT count(*) FROM pg_get_wal_records_info(pg_current_wal_lsn() - 10000, pg_current_wal_lsn());
SELECT pg_file_write('planted', 'x', false);
SELECT pg_file_rename('pg_dataclass', 'gone', NULL);
DROP EXTENSION pg_surgery, pageinspect, pg_walinspect, adminpack;
