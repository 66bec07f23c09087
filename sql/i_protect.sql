-- dataclass.protect() and unprotect(): row labels for an existing table in one call
INSERT INTO dataclass.compartment (name) VALUES ('ward'), ('ward.b');
CREATE SCHEMA protect;
GRANT ALL ON SCHEMA protect TO PUBLIC;
SET search_path = protect, public;
CREATE ROLE protect_owner;
CREATE ROLE protect_officer;
CREATE ROLE protect_reader;
CREATE ROLE protect_high;
GRANT dataclass_officer TO protect_officer;
SECURITY LABEL FOR dataclass ON ROLE protect_officer IS 'confidential:ward with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE protect_high IS 'secret:ward with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE protect_owner IS 'confidential:ward with (declassify)';
SET ROLE protect_owner;
CREATE TABLE visit (id int PRIMARY KEY, body text);
INSERT INTO visit SELECT i, 'visit ' || i FROM generate_series(1, 500) i;
GRANT ALL ON visit TO PUBLIC;

-- who may
SELECT dataclass.protect('visit', 'confidential:ward');		-- fail: owning is not enough
SELECT dataclass.unprotect('visit');							-- fail
SELECT * FROM dataclass.renew_ceilings();						-- fail
SET ROLE protect_officer;
SELECT dataclass.protect(NULL, 'confidential');				-- fail: null
SELECT dataclass.protect('visit', 'confidental');				-- fail: no such class
SELECT dataclass.protect('visit', 'secret secret');			-- fail: no label
SELECT dataclass.unprotect('visit');							-- fail: is not protected
SELECT count(*) FROM dataclass.protected;

-- an officer who does not own the table
SELECT dataclass.protect('visit', 'Confidential : ward', index => true);	-- ok
SELECT relation, root, "column", column_added, default_before, rls_was_enabled, labeled, label_before, index_name, protected_by
	FROM dataclass.protected;
SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
	FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'visit'::regclass AND attnum > 2;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'visit'::regclass;
SELECT conname, convalidated, replace(pg_get_constraintdef(oid), dataclass.policy_era(), 'ERA') FROM pg_constraint WHERE conrelid = 'visit'::regclass AND contype = 'c';
SELECT indexdef FROM pg_indexes WHERE tablename = 'visit' ORDER BY 1;
SELECT objname, label FROM pg_seclabels WHERE provider = 'dataclass' AND objnamespace = 'protect'::regnamespace;
SELECT label, count(*) FROM visit GROUP BY label;
INSERT INTO visit VALUES (501, 'new') RETURNING label;				-- ok: the label of the session
SET ROLE protect_reader;
SELECT count(*) FROM visit;											-- ok: none to see
RESET ROLE;
UPDATE visit SET label = 'secret:ward';							-- ok: a superuser who is not cleared sees no rows
SELECT dataclass.create_label('secret:ward');
SET ROLE protect_high;
INSERT INTO visit VALUES (502, 'x', 'secret:ward');				-- fail: above the ceiling

-- again: the ceiling moves
SET ROLE protect_owner;
SELECT dataclass.protect('visit', 'secret:ward');				-- fail: owner
SET ROLE protect_officer;
SELECT dataclass.protect('visit', 'secret:ward');				-- ok: raised; core vouches for the rows
SELECT dataclass.protect('visit', 'secret:ward');				-- ok: the same again
SELECT dataclass.protect('visit', 'secret:ward', 'other');		-- fail: one label column
RESET ROLE;
SET ROLE protect_high;
INSERT INTO visit VALUES (502, 'x', 'secret:ward');				-- ok now
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE protect_officer IS 'confidential:ward';
SET ROLE protect_officer;
SELECT dataclass.protect('visit', 'confidential:ward');			-- fail: lowering needs declassify
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE protect_officer IS 'confidential:ward with (declassify)';
SET ROLE protect_officer;
SELECT dataclass.protect('visit', 'confidential:ward');			-- fail: a row is above
SET ROLE protect_high;
UPDATE visit SET label = 'confidential:ward' WHERE id = 502;		-- ok
SET ROLE protect_officer;
SELECT dataclass.protect('visit', 'confidential:ward');			-- ok: lowered
SELECT "column", column_added, label_before, index_name FROM dataclass.protected;	-- still what was before the first time
SELECT replace(pg_get_constraintdef(oid), dataclass.policy_era(), 'ERA') FROM pg_constraint WHERE conname = 'dataclass_ceiling';

-- the way back
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE protect_officer IS 'restricted with (declassify)';
SET ROLE protect_officer;
SELECT dataclass.unprotect('visit');								-- fail: not cleared
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE protect_officer IS 'confidential:ward';
SET ROLE protect_officer;
SELECT dataclass.unprotect('visit');								-- fail: no declassify
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE protect_officer IS 'confidential:ward with (declassify)';
CREATE VIEW visit_labels AS SELECT label FROM visit;
SET ROLE protect_officer;
SELECT dataclass.unprotect('visit');								-- fail: a view depends on the column
RESET ROLE;
DROP VIEW visit_labels;
SET ROLE protect_officer;
SELECT dataclass.unprotect('visit');								-- ok
SELECT dataclass.unprotect('visit');								-- fail: not protected any more
SELECT attname FROM pg_attribute WHERE attrelid = 'visit'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'visit'::regclass;
SELECT conname FROM pg_constraint WHERE conrelid = 'visit'::regclass;
SELECT objname FROM pg_seclabels WHERE provider = 'dataclass' AND objnamespace = 'protect'::regnamespace;
SELECT count(*) FROM dataclass.protected;
SET ROLE protect_reader;
SELECT count(*) FROM visit;											-- ok: all
RESET ROLE;

-- what is recorded
SELECT kind, outcome, action, label, rule, detail FROM dataclass_audit.event
	WHERE action LIKE 'dataclass.%protect' AND object_identity = 'protect.visit' ORDER BY seq;

-- dropping the table drops its entry
SET ROLE protect_officer;
SELECT dataclass.protect('visit', 'confidential:ward');			-- ok
RESET ROLE;
SET ROLE protect_owner;
DROP TABLE visit;													-- ok: cleared for all it can hold
RESET ROLE;
SELECT count(*) FROM dataclass.protected;
DROP SCHEMA protect;
DELETE FROM dataclass.row_label WHERE label ~ 'ward';
DELETE FROM dataclass.compartment WHERE name ~ '^ward';
DROP ROLE protect_owner, protect_officer, protect_reader, protect_high;
