-- The department's database as it is before anybody thinks of labels.
CREATE SCHEMA health AUTHORIZATION health_dept;
GRANT USAGE ON SCHEMA health TO PUBLIC;

-- Published anyway.
CREATE TABLE health.facility (
	id int PRIMARY KEY, name text NOT NULL, district text NOT NULL, beds int NOT NULL);

-- For the staff.
CREATE TABLE health.medicine_stock (
	facility int NOT NULL REFERENCES health.facility, item text NOT NULL, boxes int NOT NULL);

-- Patients: the column "label" says, row by row, who may see it.
CREATE TABLE health.visit (
	id int PRIMARY KEY, label dataclass.label NOT NULL, facility int NOT NULL REFERENCES health.facility,
	seen_on date NOT NULL, patient text NOT NULL, age int NOT NULL, diagnosis text NOT NULL);

-- Under investigation.
CREATE TABLE health.outbreak (
	id int PRIMARY KEY, suspected_agent text NOT NULL, district text NOT NULL, index_patient text NOT NULL, opened date NOT NULL);

-- Results of laboratories, on the plain disk for now.
CREATE TABLE health.lab_result (
	id int, visit int NOT NULL, test text NOT NULL, value numeric NOT NULL) TABLESPACE pg_default;
