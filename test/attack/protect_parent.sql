-- title: the owner gives a protected table a parent and changes the label column there
-- role: owner
-- expect: denied
-- recorded: kind=ddl_denied rule=officer

BEGIN;
CREATE TABLE att.prot_above (id int, body text, label dataclass.label NOT NULL);
ALTER TABLE att.prot INHERIT att.prot_above;
ALTER TABLE att.prot_above ALTER COLUMN label SET DEFAULT 'open';
ROLLBACK;
