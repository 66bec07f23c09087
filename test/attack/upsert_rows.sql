-- title: ON CONFLICT DO UPDATE on a hidden row
-- role: plain
-- expect: denied
-- recorded: kind=row_denied rule=dominance

INSERT INTO att.rows VALUES (15, 'open', 'x') ON CONFLICT (id) DO UPDATE SET label = 'open' RETURNING att.rows.*;
