-- Filters that are left out, become index conditions or settle partitions at
-- plan time, and are decided anew whenever the subject is another.
SET max_parallel_workers_per_gather = 0;
CREATE ROLE regress_plan_low;
CREATE ROLE regress_plan_high;
SECURITY LABEL FOR dataclass ON ROLE regress_plan_low IS 'restricted';
SECURITY LABEL FOR dataclass ON ROLE regress_plan_high IS 'confidential';
SELECT 'secret:' || string_agg(name, ',') || ' with (declassify, reclassify)' AS everything FROM dataclass.compartment \gset
SECURITY LABEL FOR dataclass ON ROLE postgres IS :'everything';
CREATE SCHEMA plans;
GRANT USAGE ON SCHEMA plans TO regress_plan_low, regress_plan_high;

CREATE TABLE plans.papers (id int PRIMARY KEY, label dataclass.label NOT NULL, amount numeric);
SECURITY LABEL FOR dataclass ON TABLE plans.papers IS 'confidential';
CREATE ROLE regress_plan_clerk;
SECURITY LABEL FOR dataclass ON ROLE regress_plan_clerk IS 'secret with (declassify, reclassify)';
GRANT USAGE ON SCHEMA plans TO regress_plan_clerk;
GRANT ALL ON plans.papers TO regress_plan_clerk;
GRANT SELECT ON plans.papers TO regress_plan_low, regress_plan_high;
SET ROLE regress_plan_clerk;
INSERT INTO plans.papers
	SELECT i, (ARRAY['open', 'public', 'restricted', 'confidential'])[1 + i % 4]::dataclass.label, i
	FROM generate_series(1, 4000) i;
RESET ROLE;
CREATE INDEX papers_amount ON plans.papers (amount);
ANALYZE plans.papers;

CREATE FUNCTION plans.shape(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		RETURN NEXT line;
	END LOOP;
END
$$;

-- without a proof the filter stays, also for who is cleared for all
SET ROLE regress_plan_high;
SELECT plans.shape('SELECT count(*) FROM plans.papers');	-- ok: filter
RESET ROLE;

-- with a validated constraint of this era it goes
SELECT dataclass.policy_era() AS era \gset
ALTER TABLE plans.papers ADD CONSTRAINT ceiling CHECK (dataclass.row_within(label, 'confidential', :'era')) NOT VALID;
SET ROLE regress_plan_high;
SELECT plans.shape('SELECT count(*) FROM plans.papers');	-- ok: filter, not validated yet
RESET ROLE;
ALTER TABLE plans.papers VALIDATE CONSTRAINT ceiling;
SET ROLE regress_plan_high;
SELECT plans.shape('SELECT count(*) FROM plans.papers');	-- ok: no filter
SELECT plans.shape('SELECT * FROM plans.papers WHERE amount BETWEEN 3 AND 5');	-- ok: index, though numeric operators are not leakproof
SET dataclass.session_ceiling = 'restricted';
SELECT plans.shape('SELECT count(*) FROM plans.papers');	-- ok: filter
RESET dataclass.session_ceiling;
SET ROLE regress_plan_low;
SELECT plans.shape('SELECT count(*) FROM plans.papers');	-- ok: filter
SELECT plans.shape('SELECT * FROM plans.papers WHERE amount BETWEEN 3 AND 5');	-- ok: no index
SELECT count(*) FROM plans.papers;		-- ok: 3000

-- a generic plan made for one subject, executed by others
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_plan_high;
PREPARE counted AS SELECT count(*), count(*) FILTER (WHERE label = 'confidential') FROM plans.papers;
EXECUTE counted;						-- ok: 4000, 1000
EXPLAIN (COSTS OFF) EXECUTE counted;	-- ok: no filter
SET ROLE regress_plan_low;
EXECUTE counted;						-- ok: 3000, 0
SET ROLE regress_plan_high;
EXECUTE counted;						-- ok: 4000, 1000
SET dataclass.session_ceiling = 'open';
EXECUTE counted;						-- ok: 1000, 0
RESET dataclass.session_ceiling;
EXECUTE counted;						-- ok: 4000, 1000
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE regress_plan_high IS 'public';
SET ROLE regress_plan_high;
EXECUTE counted;						-- ok: 2000, 0
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE regress_plan_high IS 'confidential';

-- a statement of an SQL function is planned before an earlier one changed the subject
CREATE FUNCTION plans.narrow_and_count() RETURNS bigint LANGUAGE sql AS $$
	SELECT set_config('dataclass.session_ceiling', 'open', true);
	SELECT count(*) FROM plans.papers;
$$;
SET ROLE regress_plan_high;
SELECT count(*) FROM plans.papers;		-- ok: 4000
SELECT plans.narrow_and_count();		-- ok: 1000
RESET dataclass.session_ceiling;

-- a loop and a cursor go on with what the new subject may see
DO $$
DECLARE
	r record;
	seen int := 0;
BEGIN
	FOR r IN SELECT * FROM plans.papers ORDER BY id LOOP
		seen := seen + 1;
		IF seen = 1 THEN
			PERFORM set_config('dataclass.session_ceiling', 'open', true);
		END IF;
	END LOOP;
	RAISE NOTICE 'rows seen: between % and %', seen >= 1000, seen < 1100;
END
$$;										-- ok: a batch at most of the wider view
RESET dataclass.session_ceiling;
BEGIN;
DECLARE c CURSOR FOR SELECT id, label FROM plans.papers WHERE id <= 8 ORDER BY id;
FETCH 3 FROM c;							-- ok: 1 to 3
SET LOCAL dataclass.session_ceiling = 'open';
FETCH ALL FROM c;						-- ok: open rows only
ROLLBACK;

-- few labels and an index on them
RESET ROLE;
SET ROLE regress_plan_clerk;
UPDATE plans.papers SET label = 'confidential' WHERE id % 40 <> 0;
RESET ROLE;
CREATE INDEX papers_label ON plans.papers (label);
VACUUM ANALYZE plans.papers;
SET plan_cache_mode = auto;
SECURITY LABEL FOR dataclass ON ROLE regress_plan_low IS 'public';
SET ROLE regress_plan_low;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
SELECT regexp_replace(line, '\{.*\}', '{...}') AS plan FROM plans.shape('SELECT amount FROM plans.papers') line;	-- ok: index condition
SELECT count(amount) FROM plans.papers;	-- ok: 100
PREPARE few AS SELECT count(amount) FROM plans.papers;
SET plan_cache_mode = force_generic_plan;
EXECUTE few;							-- ok: 100
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE regress_plan_low IS 'confidential';
SET ROLE regress_plan_low;
EXECUTE few;							-- ok: 4000
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE regress_plan_low IS 'restricted';
SET ROLE regress_plan_low;
SET row_security = off;
EXECUTE few;							-- fail: rows would be hidden
RESET row_security;
EXECUTE few;							-- ok: 100
RESET ROLE;
RESET enable_indexonlyscan;
RESET enable_bitmapscan;
DEALLOCATE ALL;

-- partitions by label: settled one by one
CREATE TABLE plans.parts (id int, label dataclass.label NOT NULL) PARTITION BY LIST (label);
CREATE TABLE plans.parts_low PARTITION OF plans.parts FOR VALUES IN ('open', 'public');
CREATE TABLE plans.parts_mid PARTITION OF plans.parts FOR VALUES IN ('restricted');
CREATE TABLE plans.parts_high PARTITION OF plans.parts FOR VALUES IN ('confidential') PARTITION BY RANGE (id);
CREATE TABLE plans.parts_high_1 PARTITION OF plans.parts_high FOR VALUES FROM (1) TO (1000);
CREATE TABLE plans.parts_rest PARTITION OF plans.parts DEFAULT;
GRANT ALL ON plans.parts TO regress_plan_clerk;
GRANT SELECT ON plans.parts TO regress_plan_low, regress_plan_high;
SET ROLE regress_plan_clerk;
INSERT INTO plans.parts
	SELECT i, (ARRAY['open', 'public', 'restricted', 'confidential', 'secret'])[1 + i % 5]::dataclass.label
	FROM generate_series(1, 50) i;
PREPARE spread AS SELECT label, count(*) FROM plans.parts GROUP BY label ORDER BY label::text;
EXECUTE spread;							-- ok: all five
SET ROLE regress_plan_low;
EXPLAIN (COSTS OFF) SELECT * FROM plans.parts;	-- ok: two partitions without a filter, the default one with
EXECUTE spread;							-- ok: three
SET ROLE regress_plan_high;
EXECUTE spread;							-- ok: four
SET row_security = off;
EXECUTE spread;							-- fail: rows would be hidden
RESET row_security;
RESET ROLE;
ALTER TABLE plans.parts DETACH PARTITION plans.parts_mid;
SET ROLE regress_plan_high;
EXECUTE spread;							-- ok: three
RESET ROLE;
SET plan_cache_mode = auto;
DEALLOCATE ALL;

-- what an inlined function brings has no filter of its own
CREATE FUNCTION plans.papers_of(int) RETURNS SETOF plans.papers LANGUAGE sql STABLE AS
	'SELECT * FROM plans.papers WHERE id = $1';
SET ROLE regress_plan_high;
SELECT plans.shape('SELECT * FROM plans.papers_of(7)');	-- ok: inlined
SET ROLE regress_plan_low;
SELECT plans.shape('SELECT * FROM plans.papers_of(7)');	-- ok: not inlined
SELECT count(*) FROM plans.papers_of(7) a, plans.papers_of(40) b;	-- ok: 0
SELECT count(*) FROM plans.papers_of(40);	-- ok: 1
RESET ROLE;
