-- title: no row is written above the clearance
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: kind=row_denied rule=dominance

INSERT INTO att.rows VALUES (100, 'secret:health', 'x');
UPDATE att.rows SET label = 'restricted:health' WHERE id = 1;
INSERT INTO att.rows SELECT 101, 'restricted:health', 'x';
