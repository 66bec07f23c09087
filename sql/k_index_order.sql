-- The filter as an index condition on a later column of the index: the order
-- of the rows must not be taken for the index's
CREATE ROLE fuzz_reader;									-- ok
SECURITY LABEL FOR dataclass ON ROLE fuzz_reader IS 'restricted';	-- ok
CREATE TABLE fuzz_order (a int, label dataclass.label NOT NULL);	-- ok
CREATE INDEX ON fuzz_order (a, label);						-- ok
GRANT ALL ON fuzz_order TO fuzz_reader;						-- ok
SET ROLE fuzz_reader;										-- ok
INSERT INTO fuzz_order SELECT i % 5, (ARRAY['open', 'public', 'restricted'])[i % 3 + 1]::dataclass.label
	FROM generate_series(1, 60) i;							-- ok
SET enable_seqscan = off;									-- ok
SET enable_bitmapscan = off;								-- ok
SET enable_hashagg = off;									-- ok
SELECT a, count(*) FROM fuzz_order GROUP BY a;				-- ok: five groups
SELECT array_agg(a) FROM (SELECT a FROM fuzz_order ORDER BY a LIMIT 14) q;	-- ok: in order
RESET enable_hashagg;										-- ok
RESET enable_bitmapscan;									-- ok
RESET enable_seqscan;										-- ok
RESET ROLE;													-- ok
DROP TABLE fuzz_order;										-- fail: no clearance for all that it can hold
SET ROLE regress_boss;										-- ok
DROP TABLE fuzz_order;										-- ok
RESET ROLE;													-- ok
DROP ROLE fuzz_reader;										-- ok
