-- title: a detached partition keeps the labels of its columns
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

ALTER TABLE att.cols_top DETACH PARTITION att.cols_part;
SELECT body FROM att.cols_part;
ALTER TABLE att.cols_top DETACH PARTITION att.cols_part_2 CONCURRENTLY;
SELECT body FROM att.cols_part_2;
