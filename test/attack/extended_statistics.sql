-- title: extended statistics over an expression
-- role: owner
-- expect: denied
-- recorded: yes

CREATE STATISTICS scratch.st ON (scratch.leak_immutable(body)) FROM att.secret;
ANALYZE att.secret;
DROP STATISTICS IF EXISTS scratch.st;
