-- The officer owns none of these tables, and labels them all the same.
SELECT dataclass.set_label('table', 'health.facility',       'open');
SELECT dataclass.set_label('table', 'health.medicine_stock', 'restricted:health');
SELECT dataclass.set_label('table', 'health.visit',          'confidential:health');
SELECT dataclass.set_label('table', 'health.outbreak',       'secret:health');

SECURITY LABEL FOR dataclass ON ROLE portal    IS 'restricted:health';
SECURITY LABEL FOR dataclass ON ROLE registrar IS 'confidential:health.lahore';
SECURITY LABEL FOR dataclass ON ROLE doctor    IS 'secret:health';
SECURITY LABEL FOR dataclass ON ROLE officer   IS 'secret:health with (declassify, reclassify)';

SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'dataclass' ORDER BY objtype, objname;
