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
-- whether secret data comply here depends on the disk
SELECT COALESCE(s.class, 'all') AS class, s.relations - b.relations AS relations,
	s.compliant + s.violation + s.unknown - b.compliant - b.violation - b.unknown AS judged,
	CASE s.class WHEN 'public' THEN s.compliant - b.compliant END AS compliant, s.quarantined - b.quarantined AS quarantined
	FROM dataclass.posture_summary s JOIN before b ON b.class IS NOT DISTINCT FROM s.class
	WHERE s.class IN ('open', 'public', 'secret') OR s.class IS NULL ORDER BY s.class NULLS LAST;	-- ok
-- the numbers add up, with posture too
SELECT bool_and(relations = compliant + violation + unknown) AS adds_up, bool_and(places_failing <= places) AS places,
	bool_and(compliant_percent IS NULL = (relations = 0)) AS percent FROM dataclass.posture_summary;	-- ok
SELECT (SELECT sum(relations) FROM dataclass.posture_summary WHERE class IS NOT NULL)
	= (SELECT relations FROM dataclass.posture_summary WHERE class IS NULL) AS classes,
	(SELECT count(DISTINCT (class, relation)) FROM dataclass.posture WHERE relation IS NOT NULL)
	= (SELECT relations FROM dataclass.posture_summary WHERE class IS NULL) AS posture;		-- ok
SELECT required_tier, lowest_found_tier IS NOT NULL AS found, places > 1 AS places,
	(worst_reason IS NULL) = (places_failing = 0) AS reason FROM dataclass.posture_summary WHERE class = 'secret';	-- ok
SELECT bool_and(s.worst_reason IS NULL OR s.worst_reason IN (SELECT p.reason FROM dataclass.posture p WHERE p.verdict <> 'compliant')) AS from_posture
	FROM dataclass.posture_summary s;		-- ok
SELECT bool_and(s.violation = (SELECT count(DISTINCT p.relation) FROM dataclass.posture p WHERE p.class = s.class AND p.verdict = 'violation')) AS violations
	FROM dataclass.posture_summary s WHERE s.class IS NOT NULL;		-- ok
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
