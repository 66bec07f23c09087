-- COPY FROM on row-labeled tables: every form, each row checked
CREATE ROLE writes_clerk;
CREATE ROLE writes_super SUPERUSER;
SECURITY LABEL FOR dataclass ON ROLE writes_clerk IS 'public..restricted';
SECURITY LABEL FOR dataclass ON ROLE writes_super IS 'public..restricted with (export)';
GRANT pg_read_server_files, pg_write_server_files, pg_execute_server_program TO writes_clerk;
SET ROLE regress_boss;
CREATE TABLE doc (id int PRIMARY KEY, note text DEFAULT 'none', label dataclass.label NOT NULL DEFAULT 'public',
	length int GENERATED ALWAYS AS (length(note)) STORED);
SECURITY LABEL FOR dataclass ON TABLE doc IS 'confidential';
GRANT ALL ON doc TO PUBLIC;
SET ROLE writes_clerk;
COPY doc FROM STDIN;													-- ok
1	one	public
2	two	restricted
\.
COPY doc (label, id) FROM STDIN WITH (FORMAT csv, HEADER MATCH);		-- ok: columns, csv, default
label,id
public,3
restricted,4
\.
COPY doc (id) FROM STDIN (DELIMITER ';');								-- ok: label by default
5
\.
COPY doc (id, label) FROM STDIN WHERE id < 7 AND label <> 'secret';		-- ok: rows that WHERE drops are not judged
6	public
7	secret
8	confidential
\.
COPY doc (id, label) FROM STDIN WHERE length = 4;						-- fail: generated column
\.
COPY doc (id, label, length) FROM STDIN;								-- fail: generated column
\.
-- one bad row: its line, its label, nothing loaded
COPY doc FROM STDIN;													-- fail: line 3
11	one	public
12	two	restricted
13	three	confidential
14	four	public
\.
COPY doc (id, label) FROM STDIN WITH (FORMAT csv, HEADER);				-- fail: line 3, below the floor
id,label
11,public
12,open
\.
COPY doc (id, label) FROM STDIN;										-- fail: line 2, not registered
11	public
12	secret:nobody
\.
COPY doc (id, label) FROM STDIN;										-- fail: line 2, null
11	public
12	\N
\.
COPY doc (id, label) FROM STDIN;										-- fail: line 1, no label
11	no label
\.
SELECT count(*), max(id) FROM doc;
SET ROLE writes_super;
COPY doc (id, label) FROM STDIN;										-- fail: line 2, superusers too
11	public
12	secret
\.
COPY doc (id, label) FROM STDIN;										-- ok
11	public
\.
SET ROLE regress_boss;
COPY doc (id, label) FROM STDIN;										-- fail: line 1, above the table
12	secret
\.
-- files, programs, binary
SET ROLE writes_super;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/h_copy.data'
COPY (SELECT 20 + i, CASE i WHEN 7 THEN 'confidential' ELSE 'public' END FROM generate_series(1, 9) i) TO :'file';	-- ok
COPY doc (id, label) FROM :'file';										-- fail: line 7
SET ROLE regress_boss;
\set program 'sed s/confidential/secret/ ' :file
COPY doc (id, label) FROM PROGRAM :'program';							-- fail: line 7, above the table
\set program 'sed s/confidential/restricted/ ' :file
COPY doc (id, label) FROM PROGRAM :'program';							-- ok
SET ROLE writes_super;
COPY (SELECT id + 20, note, label FROM doc WHERE id BETWEEN 21 AND 29) TO :'file' (FORMAT binary);	-- ok
COPY doc FROM :'file' (FORMAT binary);									-- ok
SET dataclass.session_ceiling = 'public';
COPY doc FROM :'file' (FORMAT binary);									-- fail: line 7
RESET dataclass.session_ceiling;
SET ROLE writes_clerk;
COPY doc (id, label) FROM PROGRAM 'true';								-- fail: programs read what labels do not reach
RESET ROLE;
REVOKE pg_read_server_files FROM writes_clerk;
SET ROLE writes_clerk;
COPY doc FROM :'file' (FORMAT binary);									-- fail: no files for him
SELECT count(*), count(*) FILTER (WHERE label = 'restricted') AS restricted, max(id) FROM doc;
-- FREEZE, in the transaction that made the table
RESET ROLE;
SET ROLE regress_boss;
BEGIN;
CREATE TABLE frozen (id int, label dataclass.label NOT NULL);
COPY frozen FROM STDIN (FREEZE);										-- ok
1	secret
\.
SELECT id, label FROM frozen;
COPY frozen FROM STDIN (FREEZE);										-- fail: line 2
2	secret
3	#0123456789abcdef
\.
ROLLBACK;
COPY doc (id) FROM STDIN (FREEZE);										-- fail: not made in this transaction
\.
-- read-only transactions and privileges are core's
BEGIN READ ONLY;
COPY doc (id) FROM STDIN;												-- fail: read-only
\.
ROLLBACK;
REVOKE INSERT ON doc FROM PUBLIC;
SET ROLE writes_clerk;
COPY doc (id) FROM STDIN;												-- fail: privilege
\.
SET ROLE regress_boss;
GRANT INSERT (id) ON doc TO writes_clerk;
SET ROLE writes_clerk;
COPY doc (id) FROM STDIN;												-- ok: privilege on the column
60
\.
COPY doc (id, label) FROM STDIN;										-- fail: not on that
\.
-- a table's own policies: core's refusal stays, also for superusers where they apply
SET ROLE regress_boss;
GRANT ALL ON doc TO PUBLIC;
CREATE POLICY own ON doc USING (id < 100);
SET ROLE writes_clerk;
COPY doc (id) FROM STDIN;												-- fail: not under policies
\.
SET ROLE writes_super;
COPY doc (id) FROM STDIN;												-- ok: they do not apply to him
61
\.
COPY doc (id, label) FROM STDIN;										-- fail: line 1, labels do
62	open
\.
RESET ROLE;
SELECT rule, label, count(*) FROM dataclass_audit.denied WHERE object_identity = 'public.doc' AND action = 'row' AND subject LIKE 'writes%' GROUP BY 1, 2 ORDER BY 1, 2;
SET ROLE regress_boss;
DROP TABLE doc;
RESET ROLE;
DROP ROLE writes_clerk, writes_super;
