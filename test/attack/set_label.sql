-- title: the officers' function, by one who is none
-- role: plain
-- expect: refused
-- sqlstate: 42501
-- denials: 2
-- recorded: no

SELECT dataclass.set_label('table', 'att.secret', 'open');
SELECT dataclass.set_label('role', 'plain', 'secret:health');
