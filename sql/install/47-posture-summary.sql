-- dataclass.posture in a few rows: one look at the places, counted by class.

CREATE VIEW dataclass.posture_summary AS
	WITH finding AS MATERIALIZED (
		SELECT p.class, p.relation::pg_catalog.oid AS relation, p.place, p.verdict, p.reason, p.required_tier, p.found_tier,
			   -- until when an officer accepts the risk, where posture has it
			   COALESCE((pg_catalog.to_jsonb(p) OPERATOR(pg_catalog.->>) 'accepted_until')::pg_catalog.timestamptz
						OPERATOR(pg_catalog.>) pg_catalog.now(), false) AS accepted
		FROM dataclass.posture p),
	relation AS MATERIALIZED (
		SELECT f.class, f.relation,
			   pg_catalog.bool_or(f.verdict OPERATOR(pg_catalog.=) 'violation') AS violates,
			   pg_catalog.bool_and(f.verdict OPERATOR(pg_catalog.=) 'compliant') AS complies,
			   pg_catalog.bool_or(f.accepted) AS accepted,
			   EXISTS (SELECT FROM dataclass.quarantine q WHERE q.relation OPERATOR(pg_catalog.=) f.relation) AS quarantined
		FROM finding f WHERE f.relation IS NOT NULL GROUP BY f.class, f.relation),
	class AS (
		SELECT c.name AS class, c.rank FROM dataclass.data_class c
		UNION ALL
		SELECT DISTINCT f.class, -1 FROM finding f
		WHERE NOT EXISTS (SELECT FROM dataclass.data_class c WHERE c.name OPERATOR(pg_catalog.=) f.class)
		UNION ALL
		SELECT NULL, NULL)
	SELECT class.class, r.relations, f.places, r.compliant, r.violation, r.unknown, r.accepted, r.quarantined,
		   f.places_failing, f.worst_reason,
		   (SELECT t.name FROM dataclass.tier t WHERE t.rank OPERATOR(pg_catalog.=) f.required) AS required_tier,
		   (SELECT t.name FROM dataclass.tier t WHERE t.rank OPERATOR(pg_catalog.=) f.found) AS lowest_found_tier,
		   pg_catalog.round(100.0 OPERATOR(pg_catalog.*) r.compliant OPERATOR(pg_catalog./) NULLIF(r.relations, 0), 1) AS compliant_percent
	FROM class
	CROSS JOIN LATERAL (
		SELECT pg_catalog.count(*) AS relations,
			   pg_catalog.count(*) FILTER (WHERE relation.complies) AS compliant,
			   pg_catalog.count(*) FILTER (WHERE relation.violates) AS violation,
			   pg_catalog.count(*) FILTER (WHERE NOT relation.complies AND NOT relation.violates) AS unknown,
			   pg_catalog.count(*) FILTER (WHERE relation.accepted) AS accepted,
			   pg_catalog.count(*) FILTER (WHERE relation.quarantined) AS quarantined
		FROM relation
		WHERE class.class IS NULL OR relation.class OPERATOR(pg_catalog.=) class.class) r
	CROSS JOIN LATERAL (
		SELECT pg_catalog.count(DISTINCT finding.place) AS places,
			   pg_catalog.count(DISTINCT finding.place) FILTER (WHERE finding.verdict OPERATOR(pg_catalog.<>) 'compliant') AS places_failing,
			   (pg_catalog.array_agg(finding.reason
					ORDER BY finding.verdict OPERATOR(pg_catalog.=) 'violation' DESC, needed.rank DESC NULLS FIRST, finding.relation, finding.place)
				FILTER (WHERE finding.verdict OPERATOR(pg_catalog.<>) 'compliant'))[1] AS worst_reason,
			   pg_catalog.max(needed.rank) AS required,
			   pg_catalog.min(reached.rank) AS found
		FROM finding
		LEFT JOIN dataclass.tier needed ON needed.name OPERATOR(pg_catalog.=) finding.required_tier
		LEFT JOIN dataclass.tier reached ON reached.name OPERATOR(pg_catalog.=) finding.found_tier
		WHERE class.class IS NULL OR finding.class OPERATOR(pg_catalog.=) class.class) f
	ORDER BY class.rank;
REVOKE ALL ON dataclass.posture_summary FROM PUBLIC;
GRANT SELECT ON dataclass.posture_summary TO dataclass_officer, dataclass_auditor;
COMMENT ON VIEW dataclass.posture_summary IS
	'dataclass.posture counted: a row for each class, and one without a class for all; each place is probed once';
COMMENT ON COLUMN dataclass.posture_summary.class IS 'data class, by rank; NULL: all of them';
COMMENT ON COLUMN dataclass.posture_summary.relations IS 'governed relations; compliant, violation and unknown add up to it, the worst of its places counting for a relation';
COMMENT ON COLUMN dataclass.posture_summary.places IS 'places that their data lie in or pass through, those that all relations share included';
COMMENT ON COLUMN dataclass.posture_summary.accepted IS 'relations with a risk that an officer accepts at present';
COMMENT ON COLUMN dataclass.posture_summary.places_failing IS 'places that are not compliant for something of the class';
COMMENT ON COLUMN dataclass.posture_summary.worst_reason IS 'reason of the worst finding, violations first';
COMMENT ON COLUMN dataclass.posture_summary.required_tier IS 'highest tier that is required';
COMMENT ON COLUMN dataclass.posture_summary.lowest_found_tier IS 'lowest tier that some place satisfies';
COMMENT ON COLUMN dataclass.posture_summary.compliant_percent IS 'share of compliant relations; NULL: there are none';
