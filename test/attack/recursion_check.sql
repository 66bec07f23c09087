-- title: a CHECK on an open parent runs its function on the rows of a labelled child
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: yes

ALTER TABLE att.open_parent ADD CHECK (scratch.leak(body));
ALTER TABLE att.open_top ADD CHECK (scratch.leak(body));
CREATE INDEX ON att.open_top (scratch.leak_immutable(body));
ALTER TABLE ONLY att.open_parent ADD CHECK (scratch.leak(body)) NO INHERIT;
