-- title: a child that leaves its parent keeps the label that it was under
-- role: owner
-- expect: denied
-- denials: 1
-- recorded: yes

ALTER TABLE att.child NO INHERIT att.parent;
SELECT * FROM att.child;
