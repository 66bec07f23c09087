-- title: a labelled column in WHERE, ORDER BY, GROUP BY, joins
-- role: plain
-- expect: denied
-- denials: 5
-- recorded: yes

SELECT id FROM att.cols WHERE ssn LIKE '%1';
SELECT id FROM att.cols ORDER BY ssn;
SELECT count(*) FROM att.cols GROUP BY ssn;
SELECT a.id FROM att.cols a JOIN att.cols b USING (ssn);
SELECT id FROM att.cols NATURAL JOIN (SELECT ssn FROM att.cols) x;
