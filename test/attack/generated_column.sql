-- title: a generated column
-- role: owner
-- expect: denied
-- recorded: yes

ALTER TABLE att.secret ADD COLUMN g text GENERATED ALWAYS AS (scratch.leak_immutable(body)) STORED;
