-- title: a function inside CREATE TABLE AS that runs such a command itself, to lose the label of the sources
-- role: doctor
-- expect: filtered
-- recorded: no
-- required: labelled: t

CREATE FUNCTION pg_temp.inner_ctas() RETURNS int LANGUAGE plpgsql AS
	$$ BEGIN CREATE TEMP TABLE IF NOT EXISTS inner_result AS SELECT 1 AS one; RETURN 1; END $$;
CREATE TEMP TABLE outer_result AS SELECT pg_temp.inner_ctas() AS i, id FROM att.secret;
SELECT 'labelled: ' || left((count(*) = 1)::text, 1) FROM pg_seclabels WHERE objoid = 'outer_result'::regclass AND provider = 'dataclass';
DROP TABLE outer_result, inner_result;
