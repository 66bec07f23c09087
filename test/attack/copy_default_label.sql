-- title: a setting gives the rows of a COPY their label
-- role: low
-- expect: denied
-- denials: 3
-- recorded: yes

SET dataclass.row_label = 'secret:health';
COPY att.inbox (id, body) FROM STDIN;
100	x
\.
INSERT INTO att.inbox (id) VALUES (100);
SELECT dataclass.row_label();
