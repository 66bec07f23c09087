SELECT dataclass.set_label('table', 'health.lab_result', 'confidential:health');
SELECT place, verdict, grade, mechanism FROM dataclass.storage_evidence('pg_default');
