-- title: the label column changed through the type of a typed table
-- role: dba
-- expect: denied

CREATE TYPE scratch.shape AS (id int, label dataclass.label, body text);
CREATE TABLE scratch.shaped OF scratch.shape;
GRANT ALL ON scratch.shaped TO PUBLIC;
\c - doctor
INSERT INTO scratch.shaped VALUES (1, 'secret:health', 'SECRET-' || 'CANARY-TY');
\c - dba
BEGIN;
ALTER TYPE scratch.shape ALTER ATTRIBUTE label TYPE text CASCADE;
SELECT * FROM scratch.shaped;
ROLLBACK;
