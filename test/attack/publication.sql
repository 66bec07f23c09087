-- title: publishing labelled data, by the owner
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: kind=access_denied rule=dominance

CREATE PUBLICATION spy FOR TABLE att.secret;
CREATE PUBLICATION spy FOR TABLE att.plain;
ALTER PUBLICATION spy ADD TABLE att.rows;
ALTER PUBLICATION spy SET TABLE att.cols;
DROP PUBLICATION spy;
