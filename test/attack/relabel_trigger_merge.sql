-- title: a trigger lowers a row that MERGE changes elsewhere
-- role: low
-- expect: denied
-- denials: 2
-- recorded: yes

MERGE INTO att.inbox USING (VALUES (30)) v (id) ON inbox.id = v.id WHEN MATCHED THEN UPDATE SET body = 'label open';
MERGE INTO att.boxes USING (VALUES (101)) v (id) ON boxes.id = v.id WHEN MATCHED THEN UPDATE SET body = 'label open';
