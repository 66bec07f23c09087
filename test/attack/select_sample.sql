-- title: TABLESAMPLE
-- role: plain
-- expect: denied
-- recorded: yes

SELECT * FROM att.secret TABLESAMPLE SYSTEM (100);
