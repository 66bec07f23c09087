-- title: nor by a superuser
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: kind=row_denied rule=dominance

INSERT INTO att.rows VALUES (100, 'secret:health', 'x');
UPDATE att.rows SET label = 'secret:health' WHERE id = 1;
