-- title: a label column of the owner's choice in the place of the table's label
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: yes

CREATE DOMAIN scratch.all_open AS dataclass.label DEFAULT 'open';
ALTER TABLE att.secret ADD COLUMN l scratch.all_open;
ALTER TABLE att.secret ADD COLUMN l dataclass.label;
SELECT * FROM att.secret;
DROP DOMAIN scratch.all_open;
