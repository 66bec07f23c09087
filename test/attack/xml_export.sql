-- title: functions that run a query given as text
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

SELECT query_to_xml('SELECT * FROM att.secret', false, false, '');
SELECT table_to_xml('att.secret', false, false, '');
SELECT schema_to_xml('att', false, false, '');
