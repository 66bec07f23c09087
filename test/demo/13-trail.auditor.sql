-- Everything that was denied above, in the order in which it happened.
SELECT seq, kind, subject, action, object_identity AS object, label, rule, found_tier AS tier
FROM dataclass_audit.denied ORDER BY seq;

-- Who gave which label to what.
SELECT seq, kind, subject, object_type, object_identity AS object, label
FROM dataclass_audit.event WHERE kind IN ('label_change', 'clearance_change') ORDER BY seq;

-- One record in full: the statement is kept, its constants are not.
SELECT * FROM dataclass_audit.event WHERE kind = 'row_denied' ORDER BY seq LIMIT 1 \gx
