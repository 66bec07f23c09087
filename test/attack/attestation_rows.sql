-- title: a superuser writes attestations by hand
-- role: dba
-- expect: denied
-- denials: 7
-- recorded: kind=trail_guard

INSERT INTO dataclass.attestation VALUES (1, 'x', 'x', '{}', '\x00', 1, 0, '', now(), 'dba', NULL, NULL, NULL, 'valid');
UPDATE dataclass.attestation SET revoked_at = NULL;
DELETE FROM dataclass.attestation;
TRUNCATE dataclass.attestation;
COPY dataclass.attestation FROM STDIN;
\.
MERGE INTO dataclass.attestation a USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE;
CREATE VIEW scratch.attestation_rows AS SELECT * FROM dataclass.attestation;
DELETE FROM scratch.attestation_rows;
