-- Column masks: what an uncleared reader gets, and which masks a column takes
\set VERBOSITY terse
CREATE ROLE regress_masks_doc;
CREATE ROLE regress_masks_low;
SECURITY LABEL FOR dataclass ON ROLE regress_masks_doc IS 'secret';	-- ok
CREATE DOMAIN masks_mail AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE masks_person (id int PRIMARY KEY, name text, ssn varchar(12), pay numeric(10,2),
	phone char(12), mail masks_mail, nick name, born date, tags text[], short varchar(5));
INSERT INTO masks_person VALUES
	(1, 'Ayesha', '111-22-3333', 100.5, '0300-123456', 'ayesha@x.pk', 'ayesha_n', '1980-02-01', '{a,b}', 'abcde'),
	(2, 'Bilal', '111-22-3333', 200, NULL, 'b@y.pk', 'b', '1990-03-02', '{c}', 'x'),
	(3, 'Chand', NULL, NULL, '12', NULL, '12345', NULL, NULL, NULL);	-- ok
GRANT ALL ON masks_person TO PUBLIC;
CREATE TABLE masks_rows (label dataclass.label);

-- masks that do not fit, or do not parse
SECURITY LABEL FOR dataclass ON COLUMN masks_person.pay IS 'secret mask hash';	-- fail: not text
SECURITY LABEL FOR dataclass ON COLUMN masks_person.tags IS 'secret mask partial(1, ''*'', 1)';	-- fail: not text
SECURITY LABEL FOR dataclass ON COLUMN masks_person.pay IS 'secret mask constant(''none'')';	-- fail: no number
SECURITY LABEL FOR dataclass ON COLUMN masks_person.pay IS 'secret mask constant(''123456789.00'')';	-- fail: too large
SECURITY LABEL FOR dataclass ON COLUMN masks_person.short IS 'secret mask constant(''abcdef'')';	-- fail: too long
SECURITY LABEL FOR dataclass ON COLUMN masks_person.short IS 'secret mask hash';	-- fail: no room for a hash
SECURITY LABEL FOR dataclass ON COLUMN masks_person.mail IS 'secret mask constant(''none'')';	-- fail: not in the domain
SECURITY LABEL FOR dataclass ON COLUMN masks_rows.label IS 'secret mask';	-- fail: row label
SECURITY LABEL FOR dataclass ON COLUMN masks_person.ssn IS 'secret mask partial(1, 2)';	-- fail: grammar
SECURITY LABEL FOR dataclass ON COLUMN masks_person.ssn IS 'secret mask blur';	-- fail: no such mask
\set VERBOSITY sqlstate
SECURITY LABEL FOR dataclass ON COLUMN masks_person.ssn IS 'secret mask partial(-1, ''x'', 2)';	-- fail: 22023
SECURITY LABEL FOR dataclass ON COLUMN masks_person.ssn IS 'secret mask constant(x)';	-- fail: 22023
SECURITY LABEL FOR dataclass ON COLUMN masks_person.pay IS 'secret mask hash';	-- fail: 22023
SECURITY LABEL FOR dataclass ON COLUMN masks_person.pay IS 'secret mask constant(''none'')';	-- fail: 22023
SECURITY LABEL FOR dataclass ON TABLE masks_person IS 'secret mask';	-- fail: 22023, only columns have masks
\set VERBOSITY terse

-- each kind; the text is stored in one form
SECURITY LABEL FOR dataclass ON COLUMN masks_person.name IS 'Secret MASK';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN masks_person.ssn IS 'secret mask partial( 3 ,''-**-'',2)';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN masks_person.pay IS 'secret mask constant(''0'')';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN masks_person.phone IS 'secret mask partial(2, ''it''''s'', 1)';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN masks_person.mail IS 'secret mask hash';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN masks_person.nick IS 'secret mask partial(2, ''_'', 3)';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN masks_person.born IS 'secret mask constant(''1900-01-01'')';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN masks_person.tags IS 'secret mask constant(''{}'')';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN masks_person.short IS 'secret mask partial(1, ''*******'', 1)';	-- ok: cut to the length of the column
SELECT objname, label FROM pg_seclabels WHERE objname LIKE 'masks_person.%' ORDER BY 1;	-- ok

SET ROLE regress_masks_low;
SELECT name, ssn, pay, phone, nick, born, tags, short FROM masks_person ORDER BY id;	-- ok: masks
SELECT id, mail ~ '^[0-9a-f]{64}$' AS hex FROM masks_person ORDER BY id;	-- ok: the hash of NULL is NULL
SELECT pg_typeof(ssn), pg_typeof(pay), pg_typeof(mail), pg_typeof(nick) FROM masks_person WHERE id = 1;	-- ok: types stay
CREATE TABLE masks_copy AS SELECT * FROM masks_person;	-- ok: masks are copied
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'masks_copy'::regclass AND attnum > 0;	-- ok
SELECT ssn, pay, short FROM masks_copy;	-- ok
DROP TABLE masks_copy;	-- ok
COPY masks_person (id, name, ssn, pay) TO STDOUT;	-- ok: masks
SELECT id FROM masks_person ORDER BY id;	-- ok: does not touch them
-- a row that an outer join filled up has no constants
SELECT g, name, ssn, pay, born, p IS NULL AS no_row FROM generate_series(1, 4, 3) g LEFT JOIN masks_person p ON p.id = g ORDER BY g;	-- ok
-- writing stays forbidden
UPDATE masks_person SET ssn = '1';	-- fail
UPDATE masks_person SET ssn = ssn;	-- fail
INSERT INTO masks_person (id, ssn) VALUES (9, '9');	-- fail
INSERT INTO masks_person VALUES (9);	-- ok: the column is not written
DELETE FROM masks_person WHERE id = 9 RETURNING *;	-- ok: masks
RESET ROLE;
SELECT name, ssn FROM masks_person WHERE id = 1;	-- ok: masks for superusers too
SET ROLE regress_masks_doc;
SELECT * FROM masks_person ORDER BY id;	-- ok: values
UPDATE masks_person SET ssn = '999-99-9999' WHERE id = 2 RETURNING ssn;	-- ok: value
SET dataclass.session_ceiling = 'public';
SELECT name, ssn FROM masks_person WHERE id = 2;	-- ok: masks, the session lowered itself
RESET dataclass.session_ceiling;
RESET ROLE;

-- equal values have equal hashes, also in another table; a new key changes them
CREATE TABLE masks_visit (mail text);
INSERT INTO masks_visit VALUES ('b@y.pk'), ('c@z.pk');
GRANT SELECT ON masks_visit TO PUBLIC;
SECURITY LABEL FOR dataclass ON COLUMN masks_visit.mail IS 'secret mask hash';	-- ok
SET ROLE regress_masks_low;
SELECT p.id FROM masks_person p JOIN masks_visit v ON v.mail = p.mail;	-- ok: joined by hash
SELECT mail AS before FROM masks_visit LIMIT 1 \gset
SELECT dataclass.renew_mask_key();	-- fail: not an officer
RESET ROLE;
SELECT dataclass.renew_mask_key();	-- ok
SET ROLE regress_masks_low;
SELECT mail = :'before' AS same FROM masks_visit LIMIT 1;	-- ok: another hash
SELECT p.id FROM masks_person p JOIN masks_visit v ON v.mail = p.mail;	-- ok: still joined
RESET ROLE;
SELECT * FROM dataclass.mask_key;	-- fail: nobody reads the key
UPDATE dataclass.mask_key SET key = key;	-- fail
TRUNCATE dataclass.mask_key;	-- fail
COPY dataclass.mask_key TO STDOUT;	-- fail
SELECT dataclass.column_value('masks_visit'::regclass, 1::int2, 'masks_visit'::regclass, 'guess'::text);	-- fail: guesses are not hashed

-- what stands in the way, and what to do with it
SELECT object, allowed, verdict, reason FROM dataclass.explain_access('regress_masks_low', 'masks_visit');	-- ok
SELECT object, verdict FROM dataclass.explain_access('regress_masks_low', 'masks_visit', 'UPDATE');	-- ok
ANALYZE masks_visit;
SELECT count(*) FROM pg_stats WHERE tablename = 'masks_visit';	-- ok: none
SET row_security = off;
SELECT mail FROM masks_visit;	-- fail: a dump must not hold masks
SELECT count(*) FROM masks_visit;	-- ok
RESET row_security;
SET ROLE regress_masks_doc;
SELECT count(*) FROM pg_stats WHERE tablename = 'masks_visit';	-- ok: one
RESET ROLE;
-- characters, not bytes
CREATE TABLE masks_wide (v text);
GRANT ALL ON masks_wide TO PUBLIC;
DO $$
BEGIN
	IF getdatabaseencoding() = 'UTF8' THEN
		INSERT INTO masks_wide VALUES (chr(265) || chr(285) || chr(293) || chr(309));
		EXECUTE format('SECURITY LABEL FOR dataclass ON COLUMN masks_wide.v IS %L', 'secret mask partial(1, ''' || chr(8230) || ''', 2)');
		ASSERT (SELECT v FROM masks_wide) = chr(265) || chr(8230) || chr(293) || chr(309);
	END IF;
END $$;	-- ok
-- a column may get another type: then only NULL is left of such a mask
SECURITY LABEL FOR dataclass ON ROLE regress_masks_doc IS 'secret with (declassify)';
ALTER TABLE masks_visit OWNER TO regress_masks_doc;
SET ROLE regress_masks_doc;
ALTER TABLE masks_visit ALTER mail TYPE int USING 1;	-- ok
SET ROLE regress_masks_low;
SELECT * FROM masks_visit;	-- ok
RESET ROLE;
SET ROLE regress_masks_doc;
DROP TABLE masks_visit;
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE regress_masks_doc IS NULL;
SECURITY LABEL FOR dataclass ON ROLE :"USER" IS 'secret';
DROP TABLE masks_person;
DROP TABLE masks_wide;
SECURITY LABEL FOR dataclass ON ROLE :"USER" IS NULL;
SET ROLE regress_boss;
DROP TABLE masks_rows;
RESET ROLE;
DROP DOMAIN masks_mail;
DROP ROLE regress_masks_doc, regress_masks_low;
