-- title: attaching labelled data below a table that is not labelled
-- role: owner
-- expect: denied
-- recorded: yes

CREATE TABLE scratch.top (id int, body text) PARTITION BY RANGE (id);
ALTER TABLE scratch.top ATTACH PARTITION att.bare FOR VALUES FROM (0) TO (1000);
SELECT * FROM scratch.top;
DROP TABLE scratch.top;
