-- title: writing a labelled partition through its open parent
-- role: plain
-- expect: denied
-- denials: 4
-- recorded: yes

INSERT INTO att.open_top VALUES (2, 'x');
UPDATE att.open_top SET id = 2 WHERE id = 1;
MERGE INTO att.open_top t USING (VALUES (2)) v (n) ON false WHEN NOT MATCHED THEN INSERT VALUES (n, 'x');
COPY att.open_top FROM STDIN;
2	x
\.
SELECT * FROM att.open_part;
