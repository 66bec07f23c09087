-- COPY FROM into partitioned tables, whose partitions have triggers of their own
CREATE ROLE writes_clerk;
SECURITY LABEL FOR dataclass ON ROLE writes_clerk IS 'public..restricted';
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
CREATE TABLE part (id int, note text, label dataclass.label NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_rest PARTITION OF part FOR VALUES FROM (10) TO (100) PARTITION BY RANGE (id);
CREATE TABLE part_high (label dataclass.label NOT NULL, note text, id int);
SECURITY LABEL FOR dataclass ON TABLE part IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE part_high IS 'confidential';
ALTER TABLE part_rest ATTACH PARTITION part_high FOR VALUES FROM (10) TO (20);
GRANT ALL ON part, part_low, part_rest, part_high TO PUBLIC;
SET ROLE writes_clerk;
COPY part FROM STDIN;													-- ok
1	one	public
11	confidential!	restricted
\.
COPY part FROM STDIN;													-- fail: line 2
2	one	public
12	two	secret
\.
COPY part_high FROM STDIN;												-- fail: line 1
confidential	one	12
\.
SET ROLE regress_boss;
CREATE TRIGGER put BEFORE INSERT ON part_high FOR EACH ROW EXECUTE FUNCTION put();
SET ROLE writes_clerk;
COPY part FROM STDIN;													-- fail: line 3, in the partition
3	confidential!	public
13	restricted!	public
14	confidential!	public
\.
COPY part (label, id, note) FROM STDIN WHERE id < 14 AND part IS NOT NULL;	-- ok: WHERE on the row, too
public	3	confidential!
public	13	restricted!
public	14	confidential!
public	9	\N
\.
SELECT tableoid::regclass, * FROM part ORDER BY id;
SET ROLE regress_boss;
SET ROLE regress_boss;
CREATE TRIGGER low BEFORE INSERT ON part_low FOR EACH ROW EXECUTE FUNCTION put();
DROP TRIGGER put ON part_high;
SET ROLE writes_clerk;
COPY part FROM STDIN;													-- fail: line 2, in the other partition
15	confidential!	public
4	confidential!	public
\.
COPY part FROM STDIN;													-- fail: line 1, no partition
200	one	public
\.
SET ROLE regress_boss;
DROP TABLE part;
DROP FUNCTION put;
-- a partition with a label under a parent that has none: its own ceiling binds, wherever the row comes from
CREATE TABLE part (id int UNIQUE, note text, label dataclass.label NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (10) TO (20);
SECURITY LABEL FOR dataclass ON TABLE part_low IS 'public';
GRANT ALL ON part, part_low, part_high TO PUBLIC;
SET ROLE writes_clerk;
COPY part FROM STDIN;													-- ok
1	one	public
11	eleven	restricted
\.
COPY part FROM STDIN;													-- fail: line 2
12	eleven	restricted
2	two	restricted
\.
INSERT INTO part VALUES (2, 'two', 'restricted');						-- fail: above
SET ROLE regress_boss;
UPDATE part SET label = 'restricted' WHERE id = 1;						-- fail: above
UPDATE part SET id = 2 WHERE id = 11;									-- fail: above, by moving
INSERT INTO part VALUES (1, '', 'public') ON CONFLICT (id) DO UPDATE SET label = 'restricted';	-- fail: above
MERGE INTO part USING (VALUES (11)) v (id) ON part.id = v.id WHEN MATCHED THEN UPDATE SET id = 2;	-- fail: above, by moving
UPDATE part SET id = 12 WHERE id = 1;									-- ok: moves where there is no label
UPDATE part SET label = 'secret' WHERE id = 12;							-- ok
DROP TABLE part;
RESET ROLE;
DROP ROLE writes_clerk;
