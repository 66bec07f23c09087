-- title: the owner labels
-- role: owner
-- expect: denied
-- denials: 4
-- recorded: kind=label_refused

SECURITY LABEL FOR dataclass ON TABLE att.secret IS NULL;
SECURITY LABEL FOR dataclass ON TABLE att.secret IS 'open';
SECURITY LABEL FOR dataclass ON COLUMN att.cols.ssn IS NULL;
SECURITY LABEL FOR dataclass ON SCHEMA att_labelled IS NULL;
