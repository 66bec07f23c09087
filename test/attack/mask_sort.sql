-- title: a masked value by order, groups and joins
-- role: plain
-- expect: filtered
-- required: ^10$
-- forbidden: ^(9|name 9|1\|1)$

SELECT id FROM att.masked ORDER BY ssn DESC, id LIMIT 1 OFFSET 9;
SELECT name FROM (SELECT name, rank() OVER (ORDER BY ssn) r FROM att.masked) s WHERE r = 9;
SELECT name FROM att.masked WHERE ssn = (SELECT max(ssn) FROM att.masked);
SELECT count(*) FROM att.masked GROUP BY ssn;
SELECT name FROM att.masked JOIN (VALUES ('SECRET-CANARY' || '-M9')) v (ssn) USING (ssn);
SELECT name FROM att.masked NATURAL JOIN (VALUES ('SECRET-CANARY' || '-M9')) v (ssn);
SELECT 9 WHERE EXISTS (SELECT FROM att.masked WHERE ssn LIKE '%M9');
SELECT 9 WHERE 'SECRET-CANARY' || '-M9' IN (SELECT ssn FROM att.masked UNION SELECT k FROM att.masks);
SELECT name FROM att.masks WHERE h = 'SECRET-CANARY' || '-H9' OR p = 'SECRET-CANARY' || '-P9' OR k = 'SECRET-CANARY' || '-K9';
