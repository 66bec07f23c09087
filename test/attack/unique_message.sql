-- title: the messages of unique violations show nothing of the hidden row
-- role: plain
-- expect: refused
-- sqlstate: 23505
-- denials: 6
-- forbidden: Key \(|Failing row
-- recorded: no

INSERT INTO att.rows VALUES (15, 'open', 'x');
UPDATE att.rows SET id = 15 WHERE id = 1;
\c - bypass
INSERT INTO att.rows VALUES (15, 'open', 'x');
\c - dba
INSERT INTO att.rows VALUES (15, 'open', 'x');
COPY att.rows FROM STDIN;
15	open	x
\.
DO $$
DECLARE
	said text;
BEGIN
	INSERT INTO att.rows VALUES (15, 'open', 'x');
EXCEPTION WHEN unique_violation THEN
	GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
	RAISE unique_violation USING MESSAGE = said;
END $$;
