-- title: officers and auditors kept from logging in: it is core's to allow, but it is on the record
-- role: dba
-- expect: filtered
-- required: ^3 on the record$

SELECT count(*) AS before FROM dataclass_audit.event WHERE kind = 'clearance_change' \gset
ALTER ROLE auditor NOLOGIN;
ALTER ROLE officer VALID UNTIL '1970-01-01';
ALTER ROLE officer CONNECTION LIMIT 0;
SELECT count(*) - :before || ' on the record' FROM dataclass_audit.event WHERE kind = 'clearance_change';
ALTER ROLE auditor LOGIN;
ALTER ROLE officer VALID UNTIL 'infinity' CONNECTION LIMIT -1;
