-- title: the tree, the checkpoints, the head row and the list of archives are as closed as the records
-- role: dba
-- expect: denied
-- denials: 24
-- recorded: kind=trail_guard

TRUNCATE dataclass_audit.tile;
TRUNCATE dataclass_audit.checkpoint;
TRUNCATE dataclass_audit.archived_range;
TRUNCATE dataclass_audit.head;
DROP TABLE dataclass_audit.tile CASCADE;
DROP TABLE dataclass_audit.checkpoint CASCADE;
DROP TABLE dataclass_audit.archived_range CASCADE;
INSERT INTO dataclass_audit.checkpoint SELECT * FROM dataclass_audit.checkpoint;
UPDATE dataclass_audit.checkpoint SET note = '';
DELETE FROM dataclass_audit.checkpoint;
UPDATE dataclass_audit.head SET seq = 1;
DELETE FROM dataclass_audit.head;
COPY dataclass_audit.tile FROM '/dev/null';
COPY dataclass_audit.archived_range FROM '/dev/null';
ALTER TABLE dataclass_audit.archived_range RENAME TO gone;
ALTER TABLE dataclass_audit.tile ALTER COLUMN hashes DROP NOT NULL;
ALTER TABLE dataclass_audit.checkpoint SET UNLOGGED;
ALTER TABLE dataclass_audit.checkpoint DROP CONSTRAINT checkpoint_pkey;
CREATE TABLE scratch.more_ranges () INHERITS (dataclass_audit.archived_range);
CREATE RULE r AS ON INSERT TO dataclass_audit.checkpoint DO INSTEAD NOTHING;
CREATE TRIGGER t BEFORE INSERT ON dataclass_audit.tile FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
LOCK TABLE dataclass_audit.archived_range IN SHARE UPDATE EXCLUSIVE MODE;
SELECT * FROM dataclass_audit.checkpoint FOR UPDATE;
VACUUM FULL dataclass_audit.tile;
