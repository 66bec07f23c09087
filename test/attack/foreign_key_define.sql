-- title: a foreign key of one's own on labelled data
-- role: plain
-- expect: denied
-- recorded: yes

CREATE TABLE scratch.probe (code text REFERENCES att.secret (code));
