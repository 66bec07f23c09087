-- title: probing for hidden rows with a unique key
-- role: plain
-- limit: a unique key tells that a hidden row has it
-- expect: filtered
-- forbidden: 23505
-- recorded: no

INSERT INTO att.rows VALUES (15, 'open', 'probe');
