-- title: a superuser copies above his clearance
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: yes

COPY att.rows FROM STDIN (FORMAT csv);
100,open,x
101,secret:health,x
\.
SET row_security = off;
COPY att.rows FROM STDIN;
100	secret:health	x
\.
