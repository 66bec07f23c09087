-- title: the owner puts labelled data below a table of his own
-- role: owner
-- expect: denied
-- recorded: yes

CREATE TABLE scratch.above (body text);
ALTER TABLE att.secret INHERIT scratch.above;
SELECT * FROM scratch.above;
DROP TABLE scratch.above;
