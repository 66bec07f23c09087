-- Changing labels: old against new for each row, whatever changes it
CREATE ROLE writes_none;
CREATE ROLE writes_raise;
CREATE ROLE writes_lower;
CREATE ROLE writes_across;
SECURITY LABEL FOR dataclass ON ROLE writes_none IS 'secret:finance,health';
SECURITY LABEL FOR dataclass ON ROLE writes_raise IS 'secret:finance,health with (reclassify)';
SECURITY LABEL FOR dataclass ON ROLE writes_lower IS 'secret:finance,health with (declassify)';
SECURITY LABEL FOR dataclass ON ROLE writes_across IS 'secret:finance,health with (declassify, reclassify)';
SELECT dataclass.create_label('restricted:health'), dataclass.create_label('restricted:finance');	-- ok

-- the statements: to the label of session variable, row by row
CREATE TABLE dossier (id int PRIMARY KEY, note text, label dataclass.label NOT NULL);
SECURITY LABEL FOR dataclass ON TABLE dossier IS 'secret:finance,health';
CREATE VIEW dossier_view WITH (security_invoker) AS SELECT * FROM dossier;
GRANT ALL ON dossier, dossier_view TO PUBLIC;
CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS $$
	DELETE FROM dossier;
	INSERT INTO dossier VALUES (1, '', 'restricted'), (2, '', 'confidential'), (3, '', 'restricted:health');
$$;
CREATE FUNCTION try(who text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	why text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', who);
	EXECUTE statement;
	RESET ROLE;
	RETURN 'ok';
EXCEPTION WHEN insufficient_privilege THEN
	GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
	RESET ROLE;
	RETURN why;
END $$;
-- every role tries every statement; all that succeeds is undone, for the next to find the same rows
CREATE FUNCTION everybody(statement text) RETURNS TABLE (role text, result text) LANGUAGE plpgsql AS $$
BEGIN
	FOREACH role IN ARRAY ARRAY['writes_none', 'writes_raise', 'writes_lower', 'writes_across'] LOOP
		BEGIN
			result := try(role, statement);
			RAISE EXCEPTION 'undo';
		EXCEPTION WHEN raise_exception THEN
			RETURN NEXT;
		END;
	END LOOP;
END $$;
SET ROLE writes_across;
SELECT fill();
RESET ROLE;
SELECT * FROM everybody($$UPDATE dossier SET label = 'confidential' WHERE id = 1$$);			-- raise
SELECT * FROM everybody($$UPDATE dossier SET label = 'public' WHERE id = 1$$);				-- lower
SELECT * FROM everybody($$UPDATE dossier SET label = 'restricted:finance' WHERE id = 3$$);	-- across
SELECT * FROM everybody($$UPDATE dossier SET label = 'restricted' WHERE id = 1$$);			-- no change
SELECT * FROM everybody($$UPDATE dossier SET (note, label) = (SELECT 'x', 'confidential'::dataclass.label) WHERE id = 1$$);	-- raise
SELECT * FROM everybody($$UPDATE dossier_view SET label = 'public' WHERE id = 1$$);			-- lower
SELECT * FROM everybody($$UPDATE dossier SET label = v.label::dataclass.label FROM (VALUES (1, 'public'), (2, 'secret')) v (id, label) WHERE dossier.id = v.id$$);	-- one each
SELECT * FROM everybody($$INSERT INTO dossier VALUES (1, '', 'open') ON CONFLICT (id) DO UPDATE SET label = 'confidential'$$);	-- raise
SELECT * FROM everybody($$INSERT INTO dossier VALUES (1, '', 'open') ON CONFLICT (id) DO UPDATE SET label = excluded.label$$);	-- lower
SELECT * FROM everybody($$INSERT INTO dossier VALUES (3, '', 'restricted:finance') ON CONFLICT (id) DO UPDATE SET label = excluded.label$$);	-- across
SELECT * FROM everybody($$INSERT INTO dossier VALUES (1, '', 'open') ON CONFLICT (id) DO UPDATE SET note = 'x'$$);	-- no change
SELECT * FROM everybody($$INSERT INTO dossier VALUES (1, '', 'open') ON CONFLICT (id) DO NOTHING$$);	-- no change
SELECT * FROM everybody($$MERGE INTO dossier USING (VALUES (1)) v (id) ON dossier.id = v.id WHEN MATCHED THEN UPDATE SET label = 'confidential'$$);	-- raise
SELECT * FROM everybody($$MERGE INTO dossier USING (VALUES (1)) v (id) ON dossier.id = v.id WHEN MATCHED THEN UPDATE SET label = 'open'$$);	-- lower
SELECT * FROM everybody($$MERGE INTO dossier USING (VALUES (3), (9)) v (id) ON dossier.id = v.id WHEN MATCHED THEN UPDATE SET label = 'restricted:finance'
	WHEN NOT MATCHED THEN INSERT VALUES (9, '', 'secret')$$);	-- across
SELECT * FROM everybody($$WITH w AS (UPDATE dossier SET label = 'secret' WHERE id = 2 RETURNING id) UPDATE dossier SET label = 'open' WHERE id = 1$$);	-- one each
SELECT * FROM everybody($$DO 'DECLARE c CURSOR FOR SELECT * FROM dossier WHERE id = 1 FOR UPDATE; r dossier; BEGIN OPEN c; FETCH c INTO r; UPDATE dossier SET label = ''open'' WHERE CURRENT OF c; END'$$);	-- lower
SELECT * FROM everybody($$UPDATE dossier SET label = '#0123456789abcdef' WHERE id = 1$$);	-- never: not registered
SELECT rule, count(*) FROM dataclass_audit.denied WHERE object_identity = 'public.dossier' GROUP BY 1 ORDER BY 1;	-- as many as above

-- the checks behind it answer to nobody else
SET ROLE writes_none;
SELECT dataclass.row_version_check('open', 'dossier'::regclass, 0, 0, NULL);	-- fail: internal
SELECT dataclass.row_version_check('open', 'dossier'::regclass, 0, 0, NULL::internal);	-- fail: internal
CREATE TABLE own (id int, label dataclass.label NOT NULL);
SET ROLE regress_boss;
SECURITY LABEL FOR dataclass ON TABLE own IS 'secret:finance,health';
SET ROLE writes_none;
CREATE TRIGGER t BEFORE UPDATE ON own FOR EACH ROW EXECUTE FUNCTION dataclass.row_version_trigger();	-- fail: no privilege
SET ROLE regress_boss;
CREATE TRIGGER t BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION dataclass.row_version_trigger();	-- ok, but
INSERT INTO own VALUES (1, 'public');									-- fail: internal
DROP TABLE own;
DROP TABLE dossier CASCADE;
DROP FUNCTION fill, try, everybody;
RESET ROLE;
DROP ROLE writes_none, writes_raise, writes_lower, writes_across;
