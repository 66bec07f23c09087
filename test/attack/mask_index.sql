-- title: a masked value through indexes and statistics
-- role: plain
-- expect: filtered
-- required: ^10$
-- forbidden: Index (Scan|Only Scan|Cond).*ssn

SET enable_seqscan = off;
SELECT ssn FROM att.masked WHERE ssn = 'SECRET-CANARY' || '-M1';
SELECT id, ssn FROM att.masked WHERE lower(ssn) = lower('SECRET-CANARY' || '-M1');
SELECT ssn FROM att.masked ORDER BY ssn;
SELECT min(ssn), max(ssn) FROM att.masked;
EXPLAIN SELECT ssn FROM att.masked WHERE ssn > 'S';
SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename IN ('masked', 'masks');
SELECT count(*) FROM att.masked;
