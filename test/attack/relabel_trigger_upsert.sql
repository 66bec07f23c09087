-- title: a trigger lowers a row that ON CONFLICT changes elsewhere
-- role: low
-- expect: denied
-- denials: 2
-- recorded: yes

INSERT INTO att.inbox VALUES (30, 'open', 'x') ON CONFLICT (id) DO UPDATE SET body = 'label open';
INSERT INTO att.boxes VALUES (101, 'open', 'x') ON CONFLICT (id) DO UPDATE SET body = 'label open';
