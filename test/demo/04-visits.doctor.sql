-- Rows with labels are written by one who is cleared for them, so the doctor imports the visits.
CREATE TEMP TABLE district (n int, key text);
INSERT INTO district VALUES (0, 'lahore'), (1, 'faisalabad'), (2, 'multan'), (3, 'rawalpindi'), (4, 'bahawalpur'), (5, 'dera-ghazi-khan');

-- One visit in eight has a diagnosis that is nobody else's business.
INSERT INTO health.visit
SELECT v, (CASE WHEN v % 8 = 0 THEN 'confidential' ELSE 'restricted' END || ':health.' || d.key)::dataclass.label,
	(v * 7919 % 30) * 6 + d.n,
	date '2025-01-01' + v % 365,
	(ARRAY['Ayesha', 'Bilal', 'Fatima', 'Hamza', 'Khadija', 'Imran', 'Maryam', 'Usman', 'Sana', 'Tariq', 'Zainab', 'Yasir'])[1 + (v * 31) % 12] || ' ' ||
	(ARRAY['Ahmed', 'Malik', 'Chaudhry', 'Qureshi', 'Bhatti', 'Khan', 'Awan', 'Butt', 'Sheikh', 'Gill'])[1 + (v * 17) % 10],
	(v * 13) % 90,
	CASE WHEN v % 8 = 0
		THEN (ARRAY['hepatitis C', 'tuberculosis', 'HIV', 'opioid dependence', 'depression'])[1 + (v / 8) % 5]
		ELSE (ARRAY['fever', 'acute respiratory infection', 'diarrhoea', 'hypertension', 'fracture', 'antenatal care'])[1 + v % 6] END
FROM generate_series(1, 120000) AS v JOIN district d ON d.n = (v * 5 + v / 7) % 6;

SELECT (SELECT count(*) FROM health.facility) AS facilities, (SELECT count(*) FROM health.medicine_stock) AS stock,
	(SELECT count(*) FROM health.visit) AS visits, (SELECT count(*) FROM health.outbreak) AS outbreaks,
	(SELECT count(*) FROM health.lab_result) AS lab_results;
