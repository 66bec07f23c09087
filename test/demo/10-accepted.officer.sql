SELECT place, verdict, grade, mechanism FROM dataclass.storage_evidence('vault');
SELECT dataclass.set_label('table', 'health.lab_result', 'confidential:health');
SELECT relation, label, required_tier, found_tier, verdict, mechanism FROM dataclass.posture
WHERE relation IS NOT NULL ORDER BY relation::text;
