-- title: rows above the clearance come in by COPY
-- role: low
-- expect: denied
-- denials: 2
-- recorded: yes

COPY att.rows FROM STDIN;
100	open	x
101	secret:health	x
\.
COPY att.rows (id, label) FROM STDIN (FORMAT csv);
100,restricted:health
101,#0123456789abcdef
\.
SELECT count(*) FROM att.rows WHERE id > 99;
