-- title: a role with a floor raises what lies below it
-- role: floored
-- expect: denied
-- denials: 3
-- recorded: yes

UPDATE att.inbox SET label = 'restricted:health' WHERE id = 1;
INSERT INTO att.inbox VALUES (1, 'restricted:health', 'x') ON CONFLICT (id) DO UPDATE SET label = excluded.label;
MERGE INTO att.inbox USING (VALUES (1)) v (id) ON inbox.id = v.id WHEN MATCHED THEN UPDATE SET label = 'restricted:health';
