-- title: dropping a labelled column, table or label column to be rid of the label
-- role: owner
-- expect: denied
-- denials: 4
-- recorded: yes

ALTER TABLE att.cols DROP COLUMN ssn;
ALTER TABLE att.rows_bare DROP COLUMN label;
DROP TABLE att.bare;
DROP TABLE att.part CASCADE;
