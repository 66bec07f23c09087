-- title: a table leaves its labelled schema with an extension
-- role: dba
-- expect: denied

BEGIN;
CREATE EXTENSION dblink SCHEMA att_labelled;
ALTER EXTENSION dblink ADD TABLE att_labelled.inside;
ALTER EXTENSION dblink SET SCHEMA scratch;
SELECT * FROM scratch.inside;
ROLLBACK;
SELECT * FROM att_labelled.inside;
