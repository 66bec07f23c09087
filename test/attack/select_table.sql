-- title: plain SELECT, in every spelling
-- role: plain
-- expect: denied
-- denials: 5
-- recorded: kind=access_denied rule=dominance

SELECT * FROM att.secret;
SELECT count(*) FROM att.secret;
SELECT 1 FROM att.secret LIMIT 1;
SELECT ctid, tableoid FROM att.secret;
TABLE att.secret;
