-- title: writing and returning a labelled column
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

UPDATE att.cols SET ssn = 'x';
UPDATE att.cols SET name = ssn RETURNING name;
DELETE FROM att.cols RETURNING ssn;
