-- title: a partition's trigger raises the rows of a COPY into the parent
-- role: low
-- expect: denied
-- denials: 2
-- recorded: yes

COPY att.boxes FROM STDIN;
50	open	label secret:health
150	open	label secret:health
\.
COPY att.box_2 FROM STDIN;
150	open	label secret:health
\.
