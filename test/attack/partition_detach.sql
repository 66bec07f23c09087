-- title: detaching a partition to get it out from under its label
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

ALTER TABLE att.part DETACH PARTITION att.part_1;
SELECT * FROM att.part_1;
