-- title: COPY FROM into labelled data
-- role: plain
-- expect: denied
-- recorded: yes

COPY att.secret FROM STDIN;
100	x	y
\.
