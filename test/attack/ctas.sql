-- title: CREATE TABLE AS and SELECT INTO
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: kind=access_denied rule=dominance

CREATE TABLE scratch.copy1 AS SELECT * FROM att.secret;
SELECT * INTO scratch.copy2 FROM att.secret;
CREATE TEMP TABLE copy3 AS TABLE att.part_1;
