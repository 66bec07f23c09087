-- title: a column dropped, renamed or made anew loses no label
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: yes

ALTER TABLE att.cols DROP COLUMN ssn;
ALTER TABLE att.cols RENAME COLUMN ssn TO free;
SELECT free FROM att.cols;
ALTER TABLE att.secret DROP COLUMN body CASCADE;
ALTER TABLE att.cols RENAME COLUMN free TO ssn;
