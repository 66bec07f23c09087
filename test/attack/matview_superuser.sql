-- title: a superuser refreshes and makes materialised views
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: yes

REFRESH MATERIALIZED VIEW att.mv;
CREATE MATERIALIZED VIEW scratch.mv3 AS SELECT * FROM att.secret;
SELECT * FROM att.mv;
