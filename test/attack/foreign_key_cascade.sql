-- title: DELETE and UPDATE of a referenced labelled table
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

DELETE FROM att.fk_parent;
UPDATE att.fk_parent SET code = 'k2';
