-- title: SECURITY LABEL ... IS NULL is a downgrade
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: yes

SECURITY LABEL FOR dataclass ON TABLE att.secret IS NULL;
SECURITY LABEL FOR dataclass ON COLUMN att.cols.ssn IS NULL;
SECURITY LABEL FOR dataclass ON SCHEMA att_labelled IS NULL;
SELECT * FROM att.secret;
