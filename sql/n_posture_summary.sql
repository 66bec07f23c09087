-- The posture counted by class
CREATE SCHEMA posture_sum;
SET search_path = posture_sum, public;
-- what other tests have left counts as well: look at the difference
CREATE TEMP TABLE before AS SELECT * FROM dataclass.posture_summary;		-- ok
-- a row per class of the policy, by rank, and one for all
SELECT COALESCE(class, 'all') AS class FROM dataclass.posture_summary;		-- ok
CREATE TABLE p1 (id int);
CREATE TABLE p2 (id int);
CREATE TABLE p3 (id int);
SECURITY LABEL FOR dataclass ON TABLE p1 IS 'public';
SECURITY LABEL FOR dataclass ON TABLE p2 IS 'public';
SECURITY LABEL FOR dataclass ON TABLE p3 IS 'secret';
SELECT COALESCE(s.class, 'all') AS class, s.relations - b.relations AS relations, s.compliant - b.compliant AS compliant,
	s.violation + s.unknown - b.violation - b.unknown AS failing, s.quarantined - b.quarantined AS quarantined
	FROM dataclass.posture_summary s JOIN before b ON b.class IS NOT DISTINCT FROM s.class
	WHERE s.class IN ('open', 'public', 'secret') OR s.class IS NULL ORDER BY s.class NULLS LAST;	-- ok
-- the numbers add up, with posture too
SELECT bool_and(relations = compliant + violation + unknown) AS adds_up, bool_and(places_failing <= places) AS places,
	bool_and(compliant_percent IS NULL = (relations = 0)) AS percent FROM dataclass.posture_summary;	-- ok
SELECT (SELECT sum(relations) FROM dataclass.posture_summary WHERE class IS NOT NULL)
	= (SELECT relations FROM dataclass.posture_summary WHERE class IS NULL) AS classes,
	(SELECT count(DISTINCT (class, relation)) FROM dataclass.posture WHERE relation IS NOT NULL)
	= (SELECT relations FROM dataclass.posture_summary WHERE class IS NULL) AS posture;		-- ok
SELECT required_tier, lowest_found_tier IS NOT NULL AS found, worst_reason IS NOT NULL AS reason,
	places > 1 AS places, places_failing > 0 AS failing FROM dataclass.posture_summary WHERE class = 'secret';	-- ok
SELECT worst_reason = ANY (SELECT reason FROM dataclass.posture WHERE class = 'secret' AND verdict <> 'compliant')
	FROM dataclass.posture_summary WHERE class = 'secret';		-- ok
-- who may
SET ROLE regress_officer;
SELECT count(*) > 1 AS officer FROM dataclass.posture_summary;	-- ok
SET ROLE regress_auditor;
SELECT count(*) > 1 AS auditor FROM dataclass.posture_summary;	-- ok
SET ROLE regress_clerk;
SELECT count(*) FROM dataclass.posture_summary;		-- fail: neither
RESET ROLE;
SET ROLE regress_boss;
SET client_min_messages = warning;
DROP SCHEMA posture_sum CASCADE;
RESET client_min_messages;
RESET ROLE;
RESET search_path;
