-- title: labels that are SQL, formats or escapes are no labels
-- role: officer
-- expect: refused
-- denials: 6
-- recorded: no
-- sqlstate: 22023

SECURITY LABEL FOR dataclass ON TABLE att.plain IS 'open''; DROP TABLE att.plain; --';
SECURITY LABEL FOR dataclass ON TABLE att.plain IS '%s%n';
SECURITY LABEL FOR dataclass ON TABLE att.plain IS '$$open$$';
SECURITY LABEL FOR dataclass ON ROLE low IS 'secret:health with (SUPERUSER)';
SELECT dataclass.create_label('open:(SELECT 1)');
SELECT 'open''; DROP TABLE att.plain; --'::dataclass.label;
