-- Response rules and notices: who writes what, errors, what is shipped
CREATE ROLE regress_response_officer LOGIN;
GRANT dataclass_officer TO regress_response_officer;
CREATE ROLE regress_response_clerk LOGIN;
SELECT name, kind, min_class, threshold, "window", measure, enabled FROM dataclass.response_rule WHERE shipped ORDER BY name;
-- rules are for officers
SET ROLE regress_response_clerk;
SELECT count(*) FROM dataclass.response_rule;						-- fail: not an officer
INSERT INTO dataclass.response_rule (name, measure) VALUES ('x', 'notify');	-- fail: not an officer
SELECT dataclass.reinstate_clearance('regress_response_officer', 'x');	-- fail: not an officer
LISTEN dataclass_breach;												-- fail: neither officer nor auditor
LISTEN something_else;													-- ok
UNLISTEN *;
SELECT count(*) FROM dataclass_audit.notice_status;						-- fail: not an auditor
RESET ROLE;
SET ROLE regress_response_officer;
INSERT INTO dataclass.response_rule (name, kind, threshold, "window", measure, enabled)
	VALUES ('regress-rule', 'no_such_kind', 5, '10 minutes', 'suspend_clearance', false);	-- ok
INSERT INTO dataclass.response_rule (name, measure) VALUES ('Not a name', 'notify');		-- fail: name
INSERT INTO dataclass.response_rule (name, measure) VALUES ('a', 'shoot');				-- fail: measure
INSERT INTO dataclass.response_rule (name, measure, threshold) VALUES ('a', 'notify', 0);	-- fail: threshold
INSERT INTO dataclass.response_rule (name, measure, "window") VALUES ('a', 'notify', '0');	-- fail: window
INSERT INTO dataclass.response_rule (name, measure, "window") VALUES ('a', 'notify', '32 days');	-- fail: window
UPDATE dataclass.response_rule SET threshold = 6 WHERE name = 'regress-rule';				-- ok
DELETE FROM dataclass.response_rule WHERE name = 'regress-rule';							-- ok
LISTEN dataclass_breach;												-- ok
UNLISTEN *;
-- reinstating
SELECT dataclass.reinstate_clearance('regress_response_clerk', 'x');	-- fail: not suspended
SELECT dataclass.reinstate_clearance('regress_response_clerk', ' ');	-- fail: no reason
SELECT dataclass.reinstate_clearance('regress_response_clerk', NULL);	-- fail: no reason
SELECT dataclass.reinstate_clearance(NULL, 'x');						-- fail: no role
RESET ROLE;
-- nobody writes what the extension does
INSERT INTO dataclass.suspension SELECT oid, rolname, now(), 'forged', 'forged' FROM pg_roles WHERE rolname = 'regress_response_officer';	-- fail
DELETE FROM dataclass.suspension;										-- fail
DELETE FROM dataclass_audit.measure;									-- fail
UPDATE dataclass_audit.response_position SET seq = 0;					-- fail
UPDATE dataclass_audit.delivery_position SET notify = 0;				-- fail
DELETE FROM dataclass_audit.delivery;									-- fail
SELECT channel, configured FROM dataclass_audit.notice_status ORDER BY channel;
-- settings
SET dataclass.breach_command = 'true';									-- fail: configuration file only
ALTER SYSTEM SET dataclass.breach_command = 'true';						-- fail: configuration file only
SELECT name, setting, unit FROM pg_settings WHERE name LIKE 'dataclass.breach%' ORDER BY name;
DROP ROLE regress_response_officer, regress_response_clerk;
