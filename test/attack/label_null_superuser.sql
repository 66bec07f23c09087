-- title: the same by a superuser, also of the clearances of others
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: yes

SECURITY LABEL FOR dataclass ON TABLE att.secret IS NULL;
SECURITY LABEL FOR dataclass ON COLUMN att.cols.ssn IS NULL;
SECURITY LABEL FOR dataclass ON DATABASE att IS NULL;
SECURITY LABEL FOR dataclass ON ROLE doctor IS NULL;
