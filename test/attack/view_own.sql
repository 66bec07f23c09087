-- title: a view of one's own
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

CREATE TEMP VIEW mine AS SELECT * FROM att.secret;
SELECT * FROM mine;
CREATE VIEW scratch.invoker WITH (security_invoker = true, security_barrier = false) AS SELECT * FROM att.secret;
SELECT * FROM scratch.invoker;
DROP VIEW IF EXISTS scratch.invoker;
