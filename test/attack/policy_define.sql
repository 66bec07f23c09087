-- title: a policy of the owner does not get his function to every row
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: kind=access_denied rule=dominance

CREATE POLICY spy ON att.rows USING (scratch.leak(body));
CREATE POLICY spy ON att.secret USING (scratch.leak(body));
SELECT count(*) FROM att.rows;
DROP POLICY IF EXISTS spy ON att.rows;
