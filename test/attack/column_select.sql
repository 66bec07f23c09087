-- title: a labelled column, by name and by star
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

SELECT ssn FROM att.cols;
SELECT * FROM att.cols;
COPY att.cols TO STDOUT;
