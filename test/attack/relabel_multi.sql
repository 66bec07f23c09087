-- title: labels are lowered by row assignment, a CTE and a join
-- role: low
-- expect: denied
-- denials: 3
-- recorded: yes

UPDATE att.inbox SET (body, label) = (SELECT 'x', 'open'::dataclass.label) WHERE id = 30;
WITH w AS (UPDATE att.inbox SET label = 'open' WHERE id = 30 RETURNING *) SELECT * FROM w;
UPDATE att.inbox SET label = b.label FROM att.boxes b WHERE inbox.id = 30 AND b.id = 2;
