-- title: a generated label follows another column
-- role: low
-- expect: denied
-- denials: 4
-- recorded: yes

UPDATE att.graded SET grade = 0 WHERE id = 2;
UPDATE att.graded SET grade = 1 WHERE id = 1;
INSERT INTO att.graded VALUES (2, 0) ON CONFLICT (id) DO UPDATE SET grade = 0;
MERGE INTO att.graded USING (VALUES (2)) v (id) ON graded.id = v.id WHEN MATCHED THEN UPDATE SET grade = 0;
