-- title: ON CONFLICT
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

INSERT INTO att.secret VALUES (1, 'x', 'y') ON CONFLICT (id) DO UPDATE SET body = att.secret.body RETURNING body;
INSERT INTO att.secret VALUES (1, 'x', 'y') ON CONFLICT DO NOTHING;
