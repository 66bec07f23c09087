-- title: the owner changes or drops the label column of a protected table
-- role: owner
-- expect: denied
-- denials: 6
-- recorded: kind=ddl_denied rule=officer

ALTER TABLE att.prot ALTER COLUMN label SET DEFAULT 'open';
ALTER TABLE att.prot ALTER COLUMN label DROP DEFAULT;
ALTER TABLE att.prot ALTER COLUMN label DROP NOT NULL;
ALTER TABLE att.prot ALTER COLUMN label TYPE dataclass.label USING 'open';
ALTER TABLE att.prot DROP COLUMN label;
BEGIN;
ALTER TABLE att.prot RENAME COLUMN label TO mine;
ALTER TABLE att.prot DROP COLUMN mine;
ROLLBACK;
SELECT * FROM att.prot;
