-- title: a masked column, for a superuser
-- role: dba
-- expect: filtered denied
-- recorded: no

SELECT * FROM att.masked;
SELECT ssn FROM att.masked;
COPY att.masked TO STDOUT;
