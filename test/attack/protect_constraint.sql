-- title: the owner removes the ceiling
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: kind=ddl_denied rule=officer

ALTER TABLE att.prot DROP CONSTRAINT dataclass_ceiling;
BEGIN;
ALTER TABLE att.prot RENAME CONSTRAINT dataclass_ceiling TO mine;
ALTER TABLE att.prot DROP CONSTRAINT mine;
ROLLBACK;
ALTER TABLE ONLY att.prot_top DROP CONSTRAINT dataclass_ceiling;
