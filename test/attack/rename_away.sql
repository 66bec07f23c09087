-- title: a table that leaves its labelled schema keeps the label
-- role: owner
-- expect: denied
-- denials: 1
-- recorded: yes

ALTER TABLE att_labelled.inside SET SCHEMA scratch;
SELECT * FROM scratch.inside;
