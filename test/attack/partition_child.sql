-- title: a partition named directly
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

SELECT * FROM att.part_1;
SELECT * FROM ONLY att.part_2;
COPY att.part_1 TO STDOUT;
