-- title: the planner gives extended statistics and those of expressions to no operator that tells what it sees
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

CREATE OPERATOR scratch.~=~ (FUNCTION = scratch.leak_eq, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel);
SET search_path = scratch, public;
EXPLAIN SELECT id FROM att.stat WHERE body ~=~ 'x' AND kind ~=~ 'y';
EXPLAIN SELECT id FROM att.stat WHERE lower(body) ~=~ 'x';
EXPLAIN SELECT id FROM att.stat WHERE upper(body) ~=~ 'x';
DROP OPERATOR scratch.~=~ (text, text);
