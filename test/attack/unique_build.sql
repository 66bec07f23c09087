-- title: a unique index, constraint or exclusion names the key that is there twice
-- role: owner
-- expect: denied
-- denials: 4
-- recorded: yes

CREATE UNIQUE INDEX ON att.twice (code);
CREATE UNIQUE INDEX CONCURRENTLY ON att.twice (code);
ALTER TABLE att.twice ADD UNIQUE (code);
ALTER TABLE att.twice ADD EXCLUDE (code WITH =);
