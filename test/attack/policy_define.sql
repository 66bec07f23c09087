-- title: a policy of the owner runs his function on every row
-- role: owner
-- expect: denied filtered
-- recorded: no

CREATE POLICY spy ON att.rows USING (scratch.leak(body));
SELECT count(*) FROM att.rows;
DROP POLICY IF EXISTS spy ON att.rows;
