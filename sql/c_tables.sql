-- Tables and columns: every statement kind, whoever runs it
SET ROLE regress_doctor;
SELECT count(*) FROM clinic.patient;	-- ok
SET ROLE regress_clerk;
SELECT count(*) FROM clinic.patient;	-- fail
INSERT INTO clinic.patient VALUES (9);	-- fail
UPDATE clinic.patient SET name = 'x';	-- fail
DELETE FROM clinic.patient;				-- fail
TRUNCATE clinic.patient;				-- fail
COPY clinic.patient TO STDOUT;			-- fail
COPY (SELECT name FROM clinic.patient) TO STDOUT;	-- fail
TABLE clinic.patient;					-- fail
SELECT 1 WHERE EXISTS (SELECT FROM clinic.patient);	-- fail
WITH p AS MATERIALIZED (SELECT * FROM clinic.patient) SELECT count(*) FROM p;	-- fail
EXPLAIN SELECT * FROM clinic.patient;	-- fail
MERGE INTO clinic.patient p USING (SELECT 1 AS id) s ON p.id = s.id WHEN MATCHED THEN DELETE;	-- fail
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM clinic.patient;	-- fail
DO $$ BEGIN PERFORM FROM clinic.patient; END $$;	-- fail
RESET ROLE;
SELECT count(*) FROM clinic.patient;	-- fail: superuser
LOCK clinic.patient;					-- fail: superuser
TRUNCATE clinic.patient CASCADE;		-- fail: superuser
SET ROLE regress_owner;
SELECT count(*) FROM clinic.patient;	-- fail: owner
ALTER TABLE clinic.patient ALTER name TYPE varchar USING upper(name);	-- fail: owner's code on rows
CREATE INDEX ON clinic.patient (upper(name));	-- fail: owner's code on rows
CREATE INDEX patient_name ON clinic.patient (name);		-- ok: maintenance
ALTER TABLE clinic.patient ADD note text;		-- ok: maintenance
CREATE TRIGGER t BEFORE INSERT ON clinic.patient FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();	-- fail
CREATE RULE r AS ON INSERT TO clinic.patient DO ALSO SELECT 1;	-- fail
RESET ROLE;
-- views and functions do not launder
CREATE VIEW clinic.patient_view AS SELECT * FROM clinic.patient;
CREATE FUNCTION clinic.count_patients() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM clinic.patient';
ALTER FUNCTION clinic.count_patients() OWNER TO regress_doctor;
GRANT SELECT ON clinic.patient_view TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE clinic.fees IS NULL;	-- fail: it moved away
SET ROLE regress_clerk;
SELECT * FROM clinic.patient_view;		-- fail
SELECT clinic.count_patients();			-- fail
RESET ROLE;
-- columns
CREATE TABLE staff (id int, name text, salary int);
INSERT INTO staff VALUES (1, 'Dania', 100);
GRANT ALL ON staff TO PUBLIC;
SECURITY LABEL FOR dataclass ON COLUMN staff.salary IS 'secret';
SET ROLE regress_clerk;
SELECT id, name FROM staff;				-- ok: does not touch the column
SELECT count(*) FROM staff;				-- ok
SELECT * FROM staff;					-- fail
SELECT staff FROM staff;				-- fail: whole row
SELECT row_to_json(staff) FROM staff;	-- fail
SELECT id FROM staff ORDER BY salary;	-- fail
SELECT id FROM staff WHERE salary > 1;	-- fail
UPDATE staff SET salary = 1;			-- fail
UPDATE staff SET name = 'x' RETURNING salary;	-- fail
INSERT INTO staff (id, name) VALUES (2, 'Erum');	-- ok
INSERT INTO staff VALUES (2, 'Erum', 1);	-- fail
COPY staff TO STDOUT;					-- fail
COPY staff (id, name) TO STDOUT;		-- ok
SET ROLE regress_doctor;
SELECT sum(salary) FROM staff;			-- ok
RESET ROLE;
-- partitions and inheritance: the parent's label holds for children, a child's for itself
CREATE TABLE visit (id int, district text) PARTITION BY LIST (district);
CREATE TABLE visit_lahore PARTITION OF visit FOR VALUES IN ('lahore');
CREATE TABLE visit_multan PARTITION OF visit FOR VALUES IN ('multan');
INSERT INTO visit VALUES (1, 'lahore'), (2, 'multan');
GRANT ALL ON visit, visit_lahore, visit_multan TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE visit_multan IS 'restricted';
SET ROLE regress_clerk;
SELECT * FROM visit WHERE district = 'lahore';	-- ok: pruned to an unlabeled partition
SELECT * FROM visit;					-- fail: reads the labeled one
SELECT * FROM visit_multan;				-- fail
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE visit IS 'restricted';
SET ROLE regress_clerk;
SELECT * FROM visit_lahore;				-- fail: label of the parent
RESET ROLE;
ALTER TABLE visit DETACH PARTITION visit_lahore;
SELECT objname, label FROM pg_seclabels WHERE objname LIKE 'visit%' ORDER BY 1;	-- the child keeps it
-- data derived from labeled sources is labeled
SET ROLE regress_doctor;
CREATE TABLE copy_of_patients AS SELECT name FROM clinic.patient;	-- ok
RESET ROLE;
SELECT label FROM pg_seclabels WHERE objname = 'copy_of_patients';
