-- title: a plan prepared before the session narrowed itself
-- role: doctor
-- expect: denied
-- recorded: yes

PREPARE p AS SELECT body FROM att.secret;
PREPARE q AS SELECT body FROM att.rows;
SET dataclass.session_ceiling = 'public';
EXECUTE q;
EXECUTE p;
