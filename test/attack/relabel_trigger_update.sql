-- title: a trigger lowers a row that UPDATE changes elsewhere
-- role: low
-- expect: denied
-- denials: 2
-- recorded: yes

UPDATE att.inbox SET body = 'label open' WHERE id = 30;
UPDATE att.inbox SET body = 'label restricted:health' WHERE id = 1;
SELECT label FROM att.inbox WHERE id = 30;
