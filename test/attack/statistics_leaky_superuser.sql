-- title: the planner gives statistics to no operator that tells what it sees, by a superuser
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: yes

CREATE OPERATOR scratch.~=~ (FUNCTION = scratch.leak_eq, LEFTARG = text, RIGHTARG = text, RESTRICT = matchingsel, JOIN = matchingjoinsel);
SET search_path = scratch, public;
-- table label, column label, masked column: planned before they are denied
EXPLAIN SELECT id FROM att.secret WHERE body ~=~ 'x';
EXPLAIN SELECT id FROM att.cols WHERE ssn ~=~ 'x';
EXPLAIN SELECT id FROM att.masked WHERE ssn ~=~ 'x';
EXPLAIN SELECT count(*) FROM att.masked a JOIN att.masked b ON a.ssn ~=~ b.ssn;
-- behind an inlined function, a view, a partition, an inheritance child
EXPLAIN SELECT * FROM att.f_invoker() f(body) WHERE f.body ~=~ 'x';
EXPLAIN SELECT * FROM att.v_super WHERE body ~=~ 'x';
EXPLAIN SELECT * FROM att.part WHERE body ~=~ 'x';
EXPLAIN SELECT * FROM att.open_parent WHERE body ~=~ 'x';
EXPLAIN SELECT * FROM att.rows WHERE body ~=~ 'x';
EXPLAIN SELECT * FROM att.f_rows() f(body) WHERE f.body ~=~ 'x';
DROP OPERATOR scratch.~=~ (text, text);
