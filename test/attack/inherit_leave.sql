-- title: the owner takes a child out from under its label
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

ALTER TABLE att.child NO INHERIT att.parent;
SELECT * FROM att.child;
