-- title: ALTER TYPE, USING and defaults that reach a labelled child through its open parent
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

ALTER TABLE att.open_parent ALTER COLUMN body TYPE text USING scratch.leak_immutable(body);
ALTER TABLE att.open_top ADD COLUMN n text GENERATED ALWAYS AS (scratch.leak_immutable(body)) STORED;
