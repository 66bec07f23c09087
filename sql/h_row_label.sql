-- dataclass.row_label(): the label at which a session writes
INSERT INTO dataclass.compartment (name) VALUES ('wa'), ('wb');
SELECT dataclass.create_label('secret:wa,wb');			-- ok
CREATE ROLE writes_one;
CREATE ROLE writes_two;
CREATE ROLE writes_both;
CREATE ROLE writes_low;
CREATE ROLE writes_odd;
CREATE ROLE writes_super SUPERUSER;
GRANT writes_one, writes_two TO writes_both;
GRANT writes_low, writes_one TO writes_odd;
SECURITY LABEL FOR dataclass ON ROLE writes_one IS 'restricted..secret:wa with (declassify)';
SECURITY LABEL FOR dataclass ON ROLE writes_two IS 'secret:wb';
SECURITY LABEL FOR dataclass ON ROLE writes_low IS 'restricted';
SELECT dataclass.create_label('secret:wa');						-- ok
SELECT provolatile, proparallel FROM pg_proc WHERE oid = 'dataclass.row_label()'::regprocedure;
CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY, body text, label dataclass.label NOT NULL DEFAULT dataclass.row_label());
GRANT ALL ON note TO PUBLIC;

-- the ceiling of the clearance
SET ROLE writes_one;
SELECT dataclass.row_label();									-- ok
INSERT INTO note (body) VALUES ('a') RETURNING label;			-- ok
SET dataclass.session_ceiling = 'confidential';
INSERT INTO note (body) VALUES ('b') RETURNING label;			-- ok, narrowed
SET dataclass.session_ceiling = 'secret:wa,wb';
SELECT dataclass.row_label();									-- ok: narrows nothing
SET dataclass.session_ceiling = 'confidential:wb';
SELECT dataclass.row_label();									-- fail: the two do not compare
SET dataclass.session_ceiling = 'confidential:wa';
SELECT dataclass.row_label();									-- fail: not registered
SET dataclass.session_ceiling = 'open';
SELECT dataclass.row_label();									-- ok, but
INSERT INTO note (body) VALUES ('c');							-- fail: below the floor
RESET dataclass.session_ceiling;

-- the setting
SET dataclass.row_label = ' Restricted';
SELECT dataclass.row_label();									-- ok, canonical
INSERT INTO note (body) VALUES ('d') RETURNING label;			-- ok
COPY note (body) FROM STDIN;									-- ok
e
\.
SET dataclass.session_ceiling = 'public';
SELECT dataclass.row_label();									-- fail: above the session's ceiling
RESET dataclass.session_ceiling;
SET dataclass.row_label = 'open';
SELECT dataclass.row_label();									-- fail: below the floor
SET dataclass.row_label = 'secret:wb';
SELECT dataclass.row_label();									-- fail: not registered
SET dataclass.row_label = 'secret:wa,wb';
INSERT INTO note (body) VALUES ('f');							-- fail: above the clearance
SET dataclass.row_label = 'no such thing';						-- fail: not a label
SET dataclass.row_label = '';
SELECT dataclass.row_label();									-- ok, the ceiling again

-- each subject has its own, in one plan
PREPARE label AS SELECT dataclass.row_label();
SET plan_cache_mode = force_generic_plan;
EXECUTE label;													-- ok
SET ROLE writes_low;
EXECUTE label;													-- ok, that role's
SET ROLE writes_two;
EXECUTE label;													-- fail: not registered
SET ROLE writes_both;
EXECUTE label;													-- fail: two clearances
SET dataclass.row_label = 'restricted';
EXECUTE label;													-- ok
RESET dataclass.row_label;
SET ROLE writes_odd;
EXECUTE label;													-- ok: one clearance above the other
SET ROLE writes_super;
EXECUTE label;													-- ok: the default clearance
RESET ROLE;
SELECT dataclass.create_label('secret:wb');				-- ok
SET ROLE writes_two;
EXECUTE label;													-- ok, registered now
RESET ROLE;
UPDATE dataclass.policy_setting SET value = '' WHERE name = 'default_clearance';
SET ROLE writes_super;
EXECUTE label;													-- fail: no clearance
RESET ROLE;
UPDATE dataclass.policy_setting SET value = 'public' WHERE name = 'default_clearance';
RESET plan_cache_mode;

-- no label is an error, never replaced
SET ROLE writes_one;
INSERT INTO note (body, label) VALUES ('x', NULL);				-- fail: null
UPDATE note SET label = NULL;									-- fail: null
COPY note (body, label) FROM STDIN;								-- fail: null
x	\N
\.
RESET ROLE;
CREATE TABLE bare (id int, label dataclass.label);
GRANT ALL ON bare TO PUBLIC;
SET ROLE writes_one;
INSERT INTO bare (id) VALUES (1);								-- fail: null, also where the column allows it
INSERT INTO bare VALUES (1, 'secret:wa');					-- ok
UPDATE bare SET label = NULL;									-- fail: null
SELECT body, label FROM note ORDER BY id;
RESET ROLE;

-- what was refused is in the trail
SELECT rule, label, count(*) FROM dataclass_audit.denied WHERE object_identity = 'dataclass.row_label' AND subject = 'writes_one' GROUP BY 1, 2 ORDER BY 1, 2;
SECURITY LABEL FOR dataclass ON TABLE note IS 'secret:wa';
SECURITY LABEL FOR dataclass ON TABLE bare IS 'secret:wa';
SECURITY LABEL FOR dataclass ON ROLE writes_super IS 'secret:wa';
SET ROLE writes_super;
DROP TABLE note, bare;											-- ok
RESET ROLE;
DELETE FROM dataclass.row_label WHERE label ~ 'w[ab]';
DELETE FROM dataclass.compartment WHERE name IN ('wa', 'wb');
DROP ROLE writes_one, writes_two, writes_both, writes_low, writes_odd, writes_super;
