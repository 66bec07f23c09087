-- title: an expression index runs the owner's function on every row
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: yes

CREATE INDEX ON att.secret (scratch.leak_immutable(body));
CREATE INDEX ON att.rows (scratch.leak_immutable(body));
CREATE INDEX ON att.rows (id) WHERE scratch.leak_immutable(body) <> '';
