-- title: a trigger raises the rows of a COPY after its WHERE
-- role: low
-- expect: denied
-- denials: 2
-- recorded: yes

COPY att.inbox FROM STDIN WHERE label = 'open';
100	open	x
101	open	label secret:health
\.
COPY att.inbox (id, body) FROM STDIN;
100	label secret:health
\.
