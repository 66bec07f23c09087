-- title: ALTER TYPE ... USING runs the owner's function on every row
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

ALTER TABLE att.bare ALTER COLUMN body TYPE text USING scratch.leak_immutable(body);
ALTER TABLE att.rows_bare ALTER COLUMN body TYPE varchar USING scratch.leak_immutable(body);
