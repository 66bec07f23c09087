-- Made up, the same on every run.
CREATE TEMP TABLE district (n int, key text, name text);
INSERT INTO district VALUES (0, 'lahore', 'Lahore'), (1, 'faisalabad', 'Faisalabad'), (2, 'multan', 'Multan'),
	(3, 'rawalpindi', 'Rawalpindi'), (4, 'bahawalpur', 'Bahawalpur'), (5, 'dera-ghazi-khan', 'Dera Ghazi Khan');

INSERT INTO health.facility
SELECT f, (ARRAY['DHQ Hospital', 'THQ Hospital', 'Rural Health Centre', 'Basic Health Unit'])[1 + f % 4] || ' ' || d.name || ' ' || 1 + f / 6,
	d.name, (ARRAY[320, 120, 20, 2])[1 + f % 4]
FROM generate_series(0, 179) AS f JOIN district d ON d.n = f % 6;

INSERT INTO health.medicine_stock
SELECT f, item, (f * 37 + length(item) * 91) % 900
FROM generate_series(0, 179) AS f,
	unnest(ARRAY['amoxicillin 500 mg', 'paracetamol 500 mg', 'ORS sachets', 'artemether-lumefantrine', 'insulin', 'measles vaccine']) AS item;

INSERT INTO health.outbreak
SELECT o, (ARRAY['XDR typhoid', 'Crimean-Congo haemorrhagic fever', 'cholera', 'polio'])[1 + o % 4], d.name,
	'patient ' || o * 977, date '2025-06-01' + o * 3
FROM generate_series(1, 48) AS o JOIN district d ON d.n = o % 6;

INSERT INTO health.lab_result
SELECT r, r * 3, (ARRAY['HbA1c', 'haemoglobin', 'ALT', 'CD4 count'])[1 + r % 4], (r * 29 % 1500) / 10.0
FROM generate_series(1, 30000) AS r;

ALTER TABLE health.facility OWNER TO health_dept;
ALTER TABLE health.medicine_stock OWNER TO health_dept;
ALTER TABLE health.visit OWNER TO health_dept;
ALTER TABLE health.outbreak OWNER TO health_dept;
ALTER TABLE health.lab_result OWNER TO health_dept;
GRANT SELECT ON ALL TABLES IN SCHEMA health TO registrar, doctor, portal, officer;
GRANT INSERT, UPDATE ON health.visit TO registrar, doctor;
ANALYZE;
