-- title: a default that makes every new row open
-- role: owner
-- expect: denied
-- denials: 1
-- recorded: yes

ALTER TABLE att.rows ALTER COLUMN label SET DEFAULT 'open';
