-- title: dropping what guards a labelled table
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

DROP TRIGGER indexed_trg ON att.indexed;
DROP FUNCTION att.trg() CASCADE;
