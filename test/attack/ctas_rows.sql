-- title: CREATE TABLE AS from a row-labelled table copies what one sees
-- role: dba
-- expect: filtered denied
-- recorded: no

CREATE TABLE scratch.copyr AS SELECT id, body FROM att.rows;
SELECT count(*) FROM scratch.copyr;
SELECT * FROM scratch.copyr;
DROP TABLE scratch.copyr;
