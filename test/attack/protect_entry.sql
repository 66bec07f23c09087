-- title: a superuser writes what unprotect() puts back
-- role: dba
-- expect: denied
-- denials: 3
-- recorded: kind=trail_guard rule=officer

UPDATE dataclass.protected SET default_before = '(SELECT body FROM att.secret)';
DELETE FROM dataclass.protected;
INSERT INTO dataclass.protected (relation, root, "column", column_added, not_null_before, rls_was_enabled, rls_was_forced, labeled, protected_by, protected_at)
	VALUES ('att.secret', 'att.secret', 'body', true, false, false, false, true, 'dba', now());
