-- Columns are checked where they are used: what a view or subquery mentions and
-- nobody reads is not read
CREATE ROLE regress_used;
SECURITY LABEL FOR dataclass ON ROLE regress_used IS 'restricted';
CREATE SCHEMA used;
GRANT USAGE ON SCHEMA used TO regress_used;
CREATE TABLE used.person (id int PRIMARY KEY, name text, pay int, note text);
INSERT INTO used.person VALUES (1, 'a', 10, 'x'), (2, 'b', 20, 'y');
CREATE TABLE used.visit (person int, day int);
INSERT INTO used.visit VALUES (1, 3), (1, 4), (2, 5);
SECURITY LABEL FOR dataclass ON COLUMN used.person.pay IS 'secret';
CREATE VIEW used.plain AS SELECT id, name, pay, note FROM used.person;
CREATE VIEW used.barrier WITH (security_barrier) AS SELECT id, name, pay FROM used.person;
CREATE VIEW used.computed AS SELECT id, name, pay * 2 AS twice, note FROM used.person;
CREATE VIEW used.condition AS SELECT id, name FROM used.person WHERE pay > 15;
CREATE VIEW used.sorted AS SELECT id, name, pay FROM used.person ORDER BY pay;
CREATE VIEW used.once AS SELECT DISTINCT name, pay FROM used.person;
CREATE VIEW used.both AS SELECT name, pay FROM used.person UNION ALL SELECT name, pay FROM used.person;
CREATE VIEW used.risky AS SELECT id, pay, pay * random() AS drawn FROM used.person;
CREATE VIEW used.joined AS SELECT p.id, p.name, p.pay, v.day FROM used.person p JOIN used.visit v ON v.person = p.id;
CREATE VIEW used.outer_view AS SELECT id, name, pay FROM used.plain;
CREATE VIEW used.shown AS SELECT id, pay AS amount FROM used.person;
SECURITY LABEL FOR dataclass ON COLUMN used.plain.note IS 'secret';
GRANT SELECT ON ALL TABLES IN SCHEMA used TO regress_used;
CREATE FUNCTION used.pays() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT pay FROM used.person';
CREATE FUNCTION used.told(int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RAISE NOTICE 'saw %', $1;
	RETURN $1;
END
$$;

SET ROLE regress_used;
SELECT count(name) FROM used.plain;							-- ok: pay is not read
SELECT id, name FROM used.plain ORDER BY id;				-- ok
SELECT name FROM used.barrier ORDER BY id;					-- ok
SELECT name, note FROM used.computed ORDER BY id;			-- ok
SELECT name, day FROM used.joined ORDER BY day;				-- ok
SELECT name FROM used.outer_view ORDER BY id;				-- ok: two views deep
SELECT x.name FROM (SELECT name, pay FROM used.person) x ORDER BY 1;	-- ok
SELECT x.name FROM (SELECT p.*, 1 AS one FROM used.person p) x ORDER BY 1;	-- ok
SELECT v.name, t.day FROM used.plain v JOIN used.visit t ON t.person = v.id ORDER BY 2;	-- ok
SELECT name FROM used.plain v WHERE EXISTS (SELECT FROM used.visit t WHERE t.person = v.id) ORDER BY 1;	-- ok
SELECT l.name FROM used.visit t, LATERAL (SELECT name, pay FROM used.person p WHERE p.id = t.person) l ORDER BY 1;	-- ok
SELECT id FROM used.plain JOIN used.shown USING (id) ORDER BY 1;	-- ok

SELECT pay FROM used.plain;									-- fail: read
SELECT * FROM used.plain;									-- fail: read
SELECT twice FROM used.computed;							-- fail: read
SELECT name FROM used.plain WHERE pay > 15;					-- fail: a condition
SELECT name FROM used.plain ORDER BY pay;					-- fail: an order
SELECT name FROM used.plain GROUP BY name, pay;				-- fail: a group
SELECT count(name) FROM used.condition;						-- fail: the view's condition
SELECT name FROM used.sorted;								-- fail: the view's order
SELECT name FROM used.once;									-- fail: duplicates tell
SELECT name FROM used.both;									-- fail: set operations keep their columns
SELECT id FROM used.risky;									-- fail: volatile outputs are computed
SELECT v FROM used.plain v;									-- fail: the whole row
SELECT row_to_json(v) FROM used.outer_view v;				-- fail: the whole row
SELECT name FROM used.joined j WHERE j.pay IS NOT NULL;		-- fail: a condition
SELECT name FROM used.plain v WHERE EXISTS (SELECT FROM used.visit t WHERE t.day > v.pay);	-- fail: in a sublink
SELECT l.day FROM used.plain v, LATERAL (SELECT day FROM used.visit WHERE day < v.pay) l;	-- fail: lateral
SELECT id FROM used.plain JOIN (SELECT id, pay FROM used.person) x USING (id, pay);	-- fail: joined by it
SELECT x.name FROM (SELECT name, used.told(pay) FROM used.person) x;	-- fail: a volatile function sees it
WITH w AS MATERIALIZED (SELECT name, pay FROM used.person) SELECT name FROM w;	-- fail: common table expressions are not looked into
SELECT x.name FROM (SELECT name, pay FROM used.person) x, used.person p WHERE p.pay = 10;	-- fail: another mention reads it
SELECT count(v.name) FROM used.plain v, used.pays();		-- fail: the function reads it
SELECT name FROM used.plain FOR UPDATE;						-- fail: no privilege to lock
INSERT INTO used.visit SELECT id, 1 FROM used.plain;		-- fail: no privilege
SELECT note FROM used.plain;								-- fail: the view's own label
SELECT count(id) FROM used.plain;							-- ok: the view's own label is not asked for

-- the same by a superuser, prepared, and in parallel
RESET ROLE;
SELECT count(name) FROM used.plain;							-- ok
SELECT max(pay) FROM used.plain;							-- fail
SET force_parallel_mode = on;
SELECT count(name) FROM used.plain;							-- ok
RESET force_parallel_mode;
PREPARE named AS SELECT name FROM used.outer_view ORDER BY id;
EXECUTE named;												-- ok
SECURITY LABEL FOR dataclass ON COLUMN used.person.name IS 'secret';
EXECUTE named;												-- fail: now it reads a labeled column
SECURITY LABEL FOR dataclass ON ROLE postgres IS 'secret with (declassify)';
SECURITY LABEL FOR dataclass ON COLUMN used.person.name IS NULL;
SECURITY LABEL FOR dataclass ON ROLE postgres IS NULL;
EXECUTE named;												-- ok
CREATE TABLE used.copied AS SELECT name FROM used.plain;
SELECT count(*) FROM pg_seclabels WHERE provider = 'dataclass' AND objname = 'used.copied';	-- ok: nothing labeled was copied
SET client_min_messages = warning;
SECURITY LABEL FOR dataclass ON ROLE postgres IS 'secret';
DROP SCHEMA used CASCADE;
SECURITY LABEL FOR dataclass ON ROLE postgres IS NULL;
DROP ROLE regress_used;
