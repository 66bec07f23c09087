-- title: moving a table out of its labelled schema
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

ALTER TABLE att_labelled.inside SET SCHEMA scratch;
SELECT * FROM att_labelled.inside;
