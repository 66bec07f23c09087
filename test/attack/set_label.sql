-- title: the officers' function, by one who is none
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

SELECT dataclass.set_label('table', 'att.secret', 'open');
SELECT dataclass.set_label('role', 'plain', 'secret:health');
