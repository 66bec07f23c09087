-- title: a labelled column, by superuser, owner and BYPASSRLS
-- role: dba
-- expect: denied
-- denials: 3
-- recorded: yes

SELECT ssn FROM att.cols;
\c - owner
SELECT ssn FROM att.cols;
\c - bypass
SELECT ssn FROM att.cols;
