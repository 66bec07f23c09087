-- title: a row moved out from under the label of its partition
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

UPDATE att.mpart SET id = 2 WHERE id = 11 RETURNING *;
MERGE INTO att.mpart p USING (VALUES (11)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET id = 3;
INSERT INTO att.mpart (id) VALUES (11) ON CONFLICT (id) DO UPDATE SET id = 4 RETURNING *;
SELECT * FROM att.mpart;
SELECT mpart FROM att.mpart;
