-- title: MERGE
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

MERGE INTO att.secret s USING att.plain p ON p.id = s.id WHEN MATCHED THEN UPDATE SET body = 'x';
MERGE INTO att.plain p USING att.secret s ON p.id = s.id WHEN MATCHED THEN UPDATE SET body = s.body;
