-- Breaches of one kind, rule and subject are one incident; the policy says whom it must be told, and by when.
SELECT i.id, i.kind, i.rule, i.subject, i.class, i.severity, i.breaches, i.state, d.recipient, d.status AS disclosure
FROM dataclass_audit.incident i LEFT JOIN dataclass_audit.disclosure d ON d.incident = i.id ORDER BY i.id;
