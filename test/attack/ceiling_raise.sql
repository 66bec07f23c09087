-- title: session_ceiling does not raise
-- role: plain
-- expect: denied
-- recorded: yes

SET dataclass.session_ceiling = 'secret:health';
SELECT * FROM att.rows;
SELECT * FROM att.secret;
