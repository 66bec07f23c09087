-- The officer owns none of these tables, and labels them all the same.
SELECT dataclass.set_label('table', 'health.facility',       'open');
SELECT dataclass.set_label('table', 'health.medicine_stock', 'restricted:health');
SELECT dataclass.set_label('table', 'health.visit',          'confidential:health');
SELECT dataclass.set_label('table', 'health.outbreak',       'secret:health');

SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'dataclass' ORDER BY objtype, objname;
