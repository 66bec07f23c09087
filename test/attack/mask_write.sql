-- title: writing a masked column
-- role: plain
-- expect: denied
-- denials: 6
-- recorded: yes

UPDATE att.masked SET ssn = 'x';
UPDATE att.masked SET ssn = ssn;
INSERT INTO att.masked (id, ssn) VALUES (50, 'x');
INSERT INTO att.masked (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET ssn = 'x';
MERGE INTO att.masked m USING (VALUES (1)) v (id) ON m.id = v.id WHEN MATCHED THEN UPDATE SET ssn = name;
COPY att.masked FROM PROGRAM 'true';
UPDATE att.mpart SET note = 'x';
