-- title: changing the policy
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: yes

UPDATE dataclass.data_class SET rank = 10 WHERE name = 'public';
UPDATE dataclass.policy_setting SET value = 'secret:health' WHERE name = 'default_clearance';
DELETE FROM dataclass.row_label;
ALTER TABLE dataclass.data_class DISABLE TRIGGER ALL;
