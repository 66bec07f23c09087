-- title: the officers' function, by a superuser
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: yes

SELECT dataclass.set_label('table', 'att.secret', 'open');
SELECT dataclass.set_label('role', 'dba', 'secret:health');
