-- title: the trail and the policy are not for everybody to read
-- role: plain
-- expect: refused
-- sqlstate: 42501
-- denials: 2
-- recorded: no

SELECT * FROM dataclass_audit.event;
SELECT * FROM dataclass.quarantine;
