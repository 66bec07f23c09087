-- What a constraint proves, it proves for the present era of the policy.
SET ROLE regress_plan_high;
SELECT plans.shape('SELECT count(*) FROM plans.papers');	-- ok: no filter
RESET ROLE;

-- enforced in every mode and for everybody
ALTER TABLE plans.papers DISABLE ROW LEVEL SECURITY;		-- fail: the flags belong to the labels
SECURITY LABEL FOR dataclass ON TABLE plans.papers IS 'secret';
SET ROLE regress_plan_clerk;
INSERT INTO plans.papers VALUES (5000, 'secret');		-- fail: the constraint
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE plans.papers IS 'confidential';
SELECT dataclass.row_within('open', 'public', 'any'), dataclass.row_within('secret', 'public', 'any'),
	dataclass.row_within(NULL, 'public', 'any'), dataclass.row_within('#0123456789abcdef', 'secret', 'any');	-- ok: t f f f
SELECT dataclass.row_within('open', 'no such : : label', 'any');	-- fail: malformed
SELECT dataclass.row_within('open', NULL, 'any');		-- fail: no ceiling

-- what does not touch dominance leaves the era
SELECT dataclass.policy_era() AS era \gset
UPDATE dataclass.data_class SET description = 'x' WHERE name = 'open';
INSERT INTO dataclass.compartment (name) VALUES ('regress_plans');
SELECT dataclass.create_label('restricted:regress_plans') IS NOT NULL AS created;
INSERT INTO dataclass.data_class (name, rank, required_tier) VALUES ('regress_top', 50, 'baseline');
SELECT dataclass.policy_era() = :'era' AS same_era;		-- ok: true

-- what does ends it, in its own transaction
BEGIN;
UPDATE dataclass.data_class SET rank = 60 WHERE name = 'open';
SELECT dataclass.policy_era() = :'era' AS same_era;		-- ok: false
SET LOCAL ROLE regress_plan_high;
SELECT plans.shape('SELECT count(*) FROM plans.papers');	-- ok: filter
ROLLBACK;
SELECT dataclass.policy_era() = :'era' AS same_era;		-- ok: true
BEGIN;
DELETE FROM dataclass.row_label WHERE label = 'restricted:regress_plans';
SELECT dataclass.policy_era() = :'era' AS same_era;		-- ok: false
ROLLBACK;
BEGIN;
DELETE FROM dataclass.compartment WHERE name = 'regress_plans';
SELECT dataclass.policy_era() = :'era' AS same_era;		-- ok: false
ROLLBACK;

-- nobody makes an era or a proof by hand
SET ROLE regress_plan_high;
UPDATE dataclass.era SET token = 'mine';				-- fail: not granted
SELECT dataclass.fresh_era();							-- fail: not granted
RESET ROLE;

DELETE FROM dataclass.row_label WHERE label = 'restricted:regress_plans';
DELETE FROM dataclass.data_class WHERE name = 'regress_top';
DELETE FROM dataclass.compartment WHERE name = 'regress_plans';
SELECT dataclass.policy_era() = :'era' AS same_era;		-- ok: false
SET ROLE regress_plan_high;
SELECT plans.shape('SELECT count(*) FROM plans.papers');	-- ok: filter, the era is over
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA plans CASCADE;
SECURITY LABEL FOR dataclass ON ROLE postgres IS NULL;
DROP ROLE regress_plan_low, regress_plan_high, regress_plan_clerk;
