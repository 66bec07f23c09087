-- title: LIKE copies no data; children and partitions are under the labels
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: yes

CREATE TABLE scratch.shape (LIKE att.bare INCLUDING ALL);
SELECT count(*) FROM scratch.shape;
CREATE TABLE scratch.heir () INHERITS (att.bare);
SELECT * FROM scratch.heir;
CREATE TABLE scratch.part_3 PARTITION OF att.part FOR VALUES FROM (200) TO (300);
SELECT * FROM scratch.part_3;
INSERT INTO scratch.part_3 VALUES (201, 'x');
