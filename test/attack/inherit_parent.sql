-- title: a labelled child through its unlabelled parent
-- role: plain
-- expect: denied filtered
-- recorded: no

SELECT * FROM att.open_parent;
