-- The officer names who needs to know, and registers the labels of rows.
INSERT INTO dataclass.compartment (name, description) VALUES
	('health',               'provincial health department'),
	('health.lahore',        'district Lahore'),
	('health.faisalabad',    'district Faisalabad'),
	('health.multan',        'district Multan'),
	('health.rawalpindi',    'district Rawalpindi'),
	('health.bahawalpur',    'district Bahawalpur'),
	('health.dera-ghazi-khan', 'district Dera Ghazi Khan');

SELECT count(dataclass.create_label(class || ':' || name)) AS row_labels
FROM unnest(ARRAY['restricted', 'confidential']) AS class, dataclass.compartment
WHERE name LIKE 'health.%';

-- Who may see what.
SELECT dataclass.set_label('role', 'portal',    'restricted:health');
SELECT dataclass.set_label('role', 'registrar', 'confidential:health.lahore');
SELECT dataclass.set_label('role', 'doctor',    'secret:health');
SELECT dataclass.set_label('role', 'officer',   'secret:health with (declassify, reclassify)');
