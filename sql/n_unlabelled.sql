-- Relations that nobody has labelled, and what their columns look like
CREATE SCHEMA unl;
SET search_path = unl, public;
CREATE DOMAIN unl.phone_number AS text;
CREATE TABLE person (
	id int, cnic text, contact text, fathers_name text, "firstName" text, dob date, mobile unl.phone_number, home point,
	remote_ip inet, notes text, email_verified bool, diagnosis text, order_no text, ref uuid, created timestamptz);
INSERT INTO person SELECT i, format('%s-%s-%s', 35200 + i, 1000000 + i, i % 10), 'person' || i || '@mail.example', 'x', 'x',
	'1980-01-01', '0300-' || 1000000 + i, '(1,2)', '10.0.0.1', 'nothing of interest', true, 'x', '20240' || 10000 + i,
	md5(i::text)::uuid, '2024-01-01' FROM generate_series(1, 50) i;
CREATE TABLE codes (a text, b text, c text, d bigint, e text, f text, g varchar(40), h char(20), i text);
INSERT INTO codes SELECT 'GB82 WEST 1234 5698 7654 32', '4111 1111 1111 1111', '33.6844, 73.0479', 1012345672, '078-05-1120',
	'+92 300 1234567', 'AB123456C', '2001:db8::1', CASE WHEN n % 10 = 0 THEN 'rare@mail.example' ELSE 'x' END
	FROM generate_series(1, 20) n;
CREATE TABLE dull (a text, b text, c int, name text);
INSERT INTO dull SELECT '2024-05-01 10:00', 'ORD-1234567890', 1234567890, 'invoice.pdf' FROM generate_series(1, 20);
CREATE VIEW v AS SELECT cnic AS national_id FROM person;
CREATE MATERIALIZED VIEW mv AS SELECT contact AS c1 FROM person;
CREATE TABLE labelled (email text);
SECURITY LABEL FOR dataclass ON TABLE labelled IS 'restricted';
CREATE TABLE half (email text, phone text);
SECURITY LABEL FOR dataclass ON COLUMN half.email IS 'restricted';
-- a relation is a row, and each column that looks like something
SELECT relation, "column", type, suggestion, kinds, evidence, share, rows_sampled FROM dataclass.unlabelled
	WHERE relation::text LIKE ANY ('{person,codes,dull,v,mv,labelled,half}') ORDER BY relation::text, "column" COLLATE "C" NULLS FIRST;	-- ok
SELECT relation, "column", statement, note FROM dataclass.unlabelled
	WHERE relation::text IN ('person', 'v', 'mv', 'dull') AND ("column" IS NULL OR "column" IN ('cnic', 'firstName', 'c1'))
	ORDER BY relation::text, "column" NULLS FIRST;		-- ok
-- the statement does it
SELECT statement FROM dataclass.unlabelled WHERE relation = 'person'::regclass AND "column" = 'firstName' \gexec
SELECT count(*) FROM dataclass.unlabelled WHERE relation = 'person'::regclass AND "column" = 'firstName';		-- ok, none any more
-- names and types alone; numbers out of range
SELECT "column", evidence, share, rows_sampled FROM dataclass.find_unlabelled(0) WHERE relation = 'codes'::regclass;	-- ok, nothing but the table
SELECT rows_sampled FROM dataclass.find_unlabelled(7) WHERE relation = 'person'::regclass AND "column" IS NULL;	-- ok
SELECT * FROM dataclass.find_unlabelled(-1);		-- fail: range
SELECT * FROM dataclass.find_unlabelled(100001);	-- fail: range
-- the class is the officers' to choose; one that is not in the policy counts for nothing
INSERT INTO dataclass.suggestion VALUES ('email', 'secret'), ('national_id', 'gone');
INSERT INTO dataclass.suggestion VALUES ('shoe_size', 'secret');		-- fail: no such kind
SELECT "column", suggestion FROM dataclass.unlabelled WHERE relation = 'person'::regclass AND "column" IN ('contact', 'cnic') ORDER BY 1;	-- ok
DELETE FROM dataclass.suggestion;
-- another profile: classes have other names
BEGIN;
DELETE FROM dataclass.data_class;
INSERT INTO dataclass.data_class (name, rank, required_tier) VALUES ('low', 0, 'baseline'), ('moderate', 1, 'baseline'), ('high', 2, 'baseline');
SELECT "column", suggestion, statement FROM dataclass.unlabelled WHERE relation = 'person'::regclass AND "column" IN ('contact', 'cnic') ORDER BY 1;	-- ok
ROLLBACK;
-- who may; what is read is counted whoever owns it, so that is for officers
SET ROLE regress_officer;
SELECT count(*) > 0 AS officer FROM dataclass.unlabelled WHERE relation::text = 'unl.person' OR relation::text = 'person';	-- ok
SET ROLE regress_auditor;
SELECT count(*) FROM dataclass.unlabelled;				-- fail: officers only
SELECT count(*) FROM dataclass.find_unlabelled();		-- fail: officers only
SET ROLE regress_clerk;
SELECT count(*) FROM dataclass.find_unlabelled(0);		-- fail: officers only
RESET ROLE;
SET ROLE regress_boss;
SET client_min_messages = warning;
DROP SCHEMA unl CASCADE;
RESET client_min_messages;
RESET ROLE;
RESET search_path;
