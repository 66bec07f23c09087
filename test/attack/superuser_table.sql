-- title: a superuser
-- role: dba
-- expect: denied
-- denials: 3
-- recorded: kind=access_denied rule=dominance

SELECT * FROM att.secret;
SELECT ssn FROM att.cols;
COPY att.secret TO STDOUT;
