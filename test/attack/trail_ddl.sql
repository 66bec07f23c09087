-- title: DDL and locks on the trail
-- role: dba
-- expect: denied
-- denials: 7
-- recorded: kind=trail_guard

BEGIN;
LOCK TABLE dataclass_audit.event IN ACCESS EXCLUSIVE MODE;
ROLLBACK;
ALTER TABLE dataclass_audit.event DISABLE TRIGGER ALL;
ALTER TABLE dataclass_audit.event ADD COLUMN x int;
ALTER TABLE dataclass_audit.event RENAME TO gone;
DROP TABLE dataclass_audit.event CASCADE;
CREATE RULE r AS ON INSERT TO dataclass_audit.event DO INSTEAD NOTHING;
CREATE TRIGGER t BEFORE INSERT ON dataclass_audit.event FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
