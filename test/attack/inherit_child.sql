-- title: the child of a labelled parent
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

SELECT * FROM att.child;
SELECT * FROM ONLY att.child;
