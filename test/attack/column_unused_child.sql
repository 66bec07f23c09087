-- title: a labelled column of a child through its parent, beside a view that names it and uses nothing of it
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

SELECT t.note FROM att.mixed_top t, (SELECT id AS i, note AS unused FROM att.mixed_2) p WHERE t.id = p.i;
SELECT t FROM att.mixed_top t, (SELECT id AS i, note AS unused FROM att.mixed_2) p WHERE t.id = p.i;
