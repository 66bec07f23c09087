-- title: locks on the trail through views, and by rebuilding where its long values lie
-- role: dba
-- expect: denied
-- denials: 7
-- recorded: kind=trail_guard
-- forbidden: wedged

CREATE VIEW scratch.trail AS SELECT * FROM dataclass_audit.event;
CREATE VIEW scratch.trail_above AS SELECT (SELECT max(seq) FROM scratch.trail);
BEGIN;
LOCK TABLE scratch.trail IN ACCESS EXCLUSIVE MODE;
ROLLBACK;
BEGIN;
LOCK TABLE scratch.trail_above IN ACCESS SHARE MODE;
ROLLBACK;
CREATE TABLE scratch.toast AS SELECT reltoastrelid::regclass::text AS name, i.indexrelid::regclass::text AS index
	FROM pg_class c, pg_index i WHERE c.oid = 'dataclass_audit.event'::regclass AND i.indrelid = reltoastrelid;
SELECT name, index FROM scratch.toast \gset
BEGIN;
REINDEX TABLE :name;
PREPARE TRANSACTION 'trail_lock_toast';
BEGIN;
REINDEX INDEX :index;
PREPARE TRANSACTION 'trail_lock_index';
VACUUM FULL :name;
LOCK TABLE dataclass_audit.denied IN SHARE MODE;
BEGIN;
LOCK TABLE dataclass_audit.denied IN ACCESS SHARE MODE;
ROLLBACK;
SELECT 'wedged' FROM pg_prepared_xacts WHERE gid LIKE 'trail_lock_%';
DROP VIEW scratch.trail_above, scratch.trail;
DROP TABLE scratch.toast;
