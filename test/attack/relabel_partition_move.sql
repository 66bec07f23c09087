-- title: a row is lowered by the trigger of the partition it moves to
-- role: low
-- expect: denied
-- denials: 2
-- recorded: yes

UPDATE att.boxes SET id = 150, body = 'label open' WHERE id = 1;
MERGE INTO att.boxes USING (VALUES (1)) v (id) ON boxes.id = v.id WHEN MATCHED THEN UPDATE SET id = 150, body = 'label open';
SELECT label FROM att.boxes WHERE id IN (1, 150);
