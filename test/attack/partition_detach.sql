-- title: a detached partition keeps the label that it was under
-- role: owner
-- expect: denied
-- denials: 1
-- recorded: yes

ALTER TABLE att.part DETACH PARTITION att.part_1;
SELECT * FROM att.part_1;
