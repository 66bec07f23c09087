-- title: probing for hidden rows with ON CONFLICT DO NOTHING
-- role: plain
-- limit: ON CONFLICT DO NOTHING tells that a hidden row has the key
-- expect: filtered
-- forbidden: INSERT 0 0
-- recorded: no

INSERT INTO att.rows VALUES (15, 'open', 'probe') ON CONFLICT DO NOTHING;
