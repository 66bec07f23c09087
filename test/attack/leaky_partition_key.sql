-- title: a leaky function as partition key meets every row of what is attached
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: kind=access_denied rule=dominance

CREATE TABLE att.by_leak (id int, label dataclass.label NOT NULL, body text) PARTITION BY LIST (scratch.leak_immutable(body));
ALTER TABLE att.by_leak ATTACH PARTITION att.rows_bare FOR VALUES IN ('x');
ALTER TABLE att.by_leak ATTACH PARTITION att.rows_bare DEFAULT;
CREATE TABLE att.by_leak_bare (id int, body text) PARTITION BY LIST (scratch.leak_immutable(body));
ALTER TABLE att.by_leak_bare ATTACH PARTITION att.bare FOR VALUES IN ('x');
DROP TABLE att.by_leak, att.by_leak_bare;
