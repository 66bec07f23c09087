-- title: the functions of a partition key run on every row of what is attached
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

CREATE TABLE scratch.keyed (id int, body text) PARTITION BY LIST (scratch.leak_immutable(body));
ALTER TABLE scratch.keyed ATTACH PARTITION att.bare DEFAULT;
CREATE TABLE scratch.ranged (id int, body text) PARTITION BY LIST (body);
ALTER TABLE scratch.ranged ATTACH PARTITION att.bare FOR VALUES IN ('x');
DROP TABLE scratch.keyed, scratch.ranged;
