-- title: a policy on an open parent is applied to the rows of its labelled child
-- role: owner
-- expect: denied
-- denials: 1
-- recorded: yes

CREATE POLICY p ON att.open_parent USING (scratch.leak(body));
ALTER TABLE att.open_parent ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
\connect - doctor
SELECT count(*) FROM att.open_parent;
