-- title: switching response rules off, or on against others, without being an officer
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: yes

UPDATE dataclass.response_rule SET enabled = false;
DELETE FROM dataclass.response_rule;
INSERT INTO dataclass.response_rule (name, measure) VALUES ('everybody', 'suspend_clearance');
TRUNCATE dataclass.response_rule;
