-- title: COPY FROM writes no row above the clearance
-- role: plain
-- expect: denied
-- recorded: yes

COPY att.rows FROM STDIN;
100	secret:health	planted
\.
