-- COPY FROM where triggers and generated columns come between the input and the table
CREATE ROLE writes_clerk;
CREATE ROLE writes_other;
SECURITY LABEL FOR dataclass ON ROLE writes_clerk IS 'public..restricted';
SECURITY LABEL FOR dataclass ON ROLE writes_other IS 'public..restricted';
SET ROLE regress_boss;
-- text that begins with a label and "!" gives the row that label; "skip" drops it; "fail" raises
CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.note LIKE '%!%' THEN
		NEW.label := split_part(NEW.note, '!', 1);
	ELSIF NEW.note = 'skip' THEN
		RETURN NULL;
	ELSIF NEW.note = 'fail' THEN
		RAISE EXCEPTION 'as told';
	END IF;
	RETURN NEW;
END $$;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '% % %: %', TG_WHEN, TG_OP, TG_LEVEL, CASE WHEN TG_LEVEL = 'ROW' THEN NEW.id::text END;
	RETURN NEW;
END $$;
CREATE FUNCTION tell_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'new rows: %', (SELECT string_agg(id || ' ' || label, ', ' ORDER BY id) FROM fresh);
	RETURN NULL;
END $$;
CREATE TABLE doc (gone int, id int GENERATED ALWAYS AS IDENTITY (START 21) PRIMARY KEY, note text DEFAULT 'none' CHECK (note <> 'bad'),
	label dataclass.label NOT NULL DEFAULT 'public', length int GENERATED ALWAYS AS (length(note)) STORED);
ALTER TABLE doc DROP COLUMN gone;
SECURITY LABEL FOR dataclass ON TABLE doc IS 'confidential';
CREATE TRIGGER put BEFORE INSERT ON doc FOR EACH ROW EXECUTE FUNCTION put();
GRANT ALL ON doc TO PUBLIC;
SET ROLE writes_clerk;
COPY doc FROM STDIN;													-- ok
1	one	public
2	restricted!	public
3	skip	public
\.
\echo :ROW_COUNT
COPY doc (note) FROM STDIN WITH (FORMAT csv, HEADER MATCH) WHERE id <> 1 AND note <> 'drop';	-- ok: defaults, identity, WHERE
note
drop
"public!
two lines"
last
\.
COPY doc (id, note) FROM STDIN WHERE doc IS NOT NULL;					-- fail: holds a generated column
\.
COPY doc (id, note, label) FROM STDIN;									-- fail: line 3, whose label the trigger made
11	one	public
12	two	public
13	confidential!	public
14	four	public
\.
COPY doc (id, note, label) FROM STDIN;									-- ok: and the other way round
11	public!	secret
\.
COPY doc (id, note, label) FROM STDIN;									-- fail: line 2, above
12	skip	secret
13	two	secret
\.
COPY doc (id, note, label) FROM STDIN;									-- fail: line 1, below the floor
12	open!	public
\.
COPY doc (id, note) FROM STDIN;											-- fail: line 2, in the trigger
12	one
13	fail
\.
COPY doc (id, note) FROM STDIN;											-- fail: line 2, in a constraint
12	one
13	bad
\.
COPY doc (id, note) FROM STDIN;											-- fail: line 2, in the input
12	one
x13	two
\.
COPY doc (id, note) FROM STDIN;											-- fail: line 2, in an index
12	one
11	two
\.
COPY doc (id, note) FROM STDIN (FREEZE);								-- fail: not with triggers
\.
COPY doc (note) FROM STDIN (FREEZE off);								-- ok
after freeze
\.
SELECT * FROM doc ORDER BY id;
-- triggers of every other kind
SET ROLE regress_boss;
CREATE TRIGGER tell_1 BEFORE INSERT ON doc FOR EACH STATEMENT EXECUTE FUNCTION tell();
CREATE TRIGGER tell_2 AFTER INSERT ON doc FOR EACH STATEMENT EXECUTE FUNCTION tell();
CREATE TRIGGER tell_3 AFTER INSERT ON doc FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER tell_4 AFTER INSERT ON doc REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tell_all();
SET ROLE writes_clerk;
COPY doc (id, note) FROM STDIN;											-- ok
31	one
32	skip
33	restricted!
\.
SET ROLE regress_boss;
ALTER TABLE doc DISABLE TRIGGER put;
SET ROLE writes_clerk;
COPY doc (id, note) FROM STDIN;											-- ok, without the trigger
34	skip
\.
COPY doc (id, note, label) FROM STDIN;									-- fail: line 2
35	one	public
36	public!	confidential
\.
-- rules do not fire, as in any COPY
SET ROLE regress_boss;
ALTER TABLE doc ENABLE TRIGGER put;
CREATE RULE nothing AS ON INSERT TO doc DO INSTEAD NOTHING;
SET ROLE writes_clerk;
COPY doc (id, note) FROM STDIN;											-- ok
37	ruled
\.
-- no other way in: the privileges and policies of COPY
RESET ROLE;
REVOKE INSERT ON doc FROM PUBLIC;
GRANT INSERT (id, note) ON doc TO writes_other;
SET ROLE writes_other;
COPY doc (id, note, label) FROM STDIN;									-- fail: no privilege on a column
\.
COPY doc (id, note) FROM STDIN;											-- ok
38	column
\.
SELECT count(*) FROM doc WHERE id >= 30;
SET ROLE regress_boss;
-- a trigger that copies and inserts on its own
CREATE TABLE log (id int, label dataclass.label NOT NULL);
SECURITY LABEL FOR dataclass ON TABLE log IS 'confidential';
GRANT ALL ON log TO PUBLIC;
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO log VALUES (NEW.id, NEW.label) ON CONFLICT DO NOTHING;
	RETURN NEW;
END $$;
CREATE TRIGGER log_it BEFORE INSERT ON doc FOR EACH ROW EXECUTE FUNCTION log_it();
SET ROLE writes_other;
COPY doc (id, note) FROM STDIN;											-- fail: line 2, and the log is empty
41	one
42	secret!
\.
SELECT count(*) FROM log;
COPY doc (id, note) FROM STDIN;											-- ok
41	one
\.
SELECT * FROM log;
-- a generated label
SET ROLE regress_boss;
CREATE TABLE gen (level int, label dataclass.label NOT NULL
	GENERATED ALWAYS AS (CASE level WHEN 1 THEN 'public'::dataclass.label ELSE 'confidential' END) STORED);
GRANT ALL ON gen TO PUBLIC;
SET ROLE writes_clerk;
COPY gen FROM STDIN;													-- ok
1
1
\.
COPY gen FROM STDIN;													-- fail: line 2
1
2
\.
SELECT count(*) FROM gen;
RESET ROLE;
SELECT rule, label, count(*) FROM dataclass_audit.denied WHERE object_identity IN ('public.doc', 'public.gen', 'public.log') AND action = 'row' AND subject LIKE 'writes%'
	AND seq > (SELECT max(seq) FROM dataclass_audit.event WHERE object_identity = 'writes_other' AND kind = 'clearance_change') GROUP BY 1, 2 ORDER BY 1, 2;
SET ROLE regress_boss;
DROP TABLE doc, log, gen;
DROP FUNCTION put, tell, tell_all, log_it;
RESET ROLE;
DROP ROLE writes_clerk, writes_other;
