-- Lahore's registrar enters a visit of Lahore, then one of Multan, then one that is secret.
INSERT INTO health.visit VALUES (900001, 'confidential:health.lahore', 0, '2025-12-01', 'Nida Raza', 34, 'tuberculosis');
INSERT INTO health.visit VALUES (900002, 'confidential:health.multan', 2, '2025-12-01', 'Nida Raza', 34, 'tuberculosis');
INSERT INTO health.visit VALUES (900003, 'secret', 0, '2025-12-01', 'Nida Raza', 34, 'tuberculosis');
SELECT id, label FROM health.visit WHERE id > 900000;
