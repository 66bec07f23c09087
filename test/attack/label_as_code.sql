-- title: the text of a label is never run
-- role: officer
-- expect: filtered
-- denials: 0
-- recorded: no
-- required: ^5$

CREATE TABLE scratch."x'; DROP TABLE att.plain; --" (id int);
SELECT dataclass.set_label('table', 'scratch."x''; DROP TABLE att.plain; --"', 'open');
SELECT count(*) FROM att.plain;
SELECT dataclass.set_label('table', 'scratch."x''; DROP TABLE att.plain; --"', NULL);
DROP TABLE scratch."x'; DROP TABLE att.plain; --";
