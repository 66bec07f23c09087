-- title: a superuser labels where superusers are no officers
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: kind=label_refused

SECURITY LABEL FOR dataclass ON TABLE att.secret IS NULL;
SECURITY LABEL FOR dataclass ON TABLE att.secret IS 'open';
SECURITY LABEL FOR dataclass ON ROLE dba IS 'secret:health';
SECURITY LABEL FOR dataclass ON FUNCTION scratch.leak(text) IS 'trusted secret:health';
