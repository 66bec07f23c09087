-- title: writing to a labelled child through its unlabelled parent
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

UPDATE att.open_parent SET body = 'x' RETURNING body;
DELETE FROM att.open_parent;
