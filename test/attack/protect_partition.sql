-- title: the owner changes the label column of a partition, or cuts it off first
-- role: owner
-- expect: denied
-- denials: 4
-- recorded: kind=ddl_denied rule=officer

ALTER TABLE att.prot_part ALTER COLUMN label SET DEFAULT 'open';
BEGIN;
ALTER TABLE att.prot_top DETACH PARTITION att.prot_part;
ALTER TABLE att.prot_part DROP CONSTRAINT dataclass_ceiling;
ROLLBACK;
BEGIN;
ALTER TABLE att.prot_top DETACH PARTITION att.prot_part;
ALTER TABLE att.prot_part DROP COLUMN label;
ROLLBACK;
BEGIN;
CREATE TABLE att.prot_new PARTITION OF att.prot_top FOR VALUES IN (2);
ALTER TABLE att.prot_new ALTER COLUMN label SET DEFAULT 'open';
ROLLBACK;
SELECT * FROM att.prot_part;
