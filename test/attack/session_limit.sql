-- title: lifting the limit of an account, as a superuser who is no officer
-- role: dba
-- expect: denied
-- denials: 12
-- recorded: yes

INSERT INTO dataclass.session_limit (role, tier) VALUES ('doctor', 'highest');
UPDATE dataclass.session_limit SET tier = 'highest';
DELETE FROM dataclass.session_limit;
TRUNCATE dataclass.session_limit;
COPY dataclass.session_limit (role, tier) FROM stdin;
doctor	highest
\.
ALTER TABLE dataclass.session_limit DISABLE TRIGGER ALL;
ALTER TABLE dataclass.session_limit RENAME COLUMN tier TO rank;
ALTER TABLE dataclass.session_limit RENAME TO other;
DROP TABLE dataclass.session_limit CASCADE;
CREATE RULE nothing AS ON DELETE TO dataclass.session_limit DO INSTEAD NOTHING;
UPDATE dataclass.tier_control SET requirement = 'any' WHERE control = 'transport';
INSERT INTO dataclass.tier (name, rank) VALUES ('beyond', 99);
SET ROLE dataclass_officer;
DELETE FROM dataclass.session_limit;
