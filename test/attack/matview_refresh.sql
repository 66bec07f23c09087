-- title: refreshing a materialised view
-- role: owner
-- expect: denied
-- recorded: yes

REFRESH MATERIALIZED VIEW att.mv;
SELECT * FROM att.mv;
