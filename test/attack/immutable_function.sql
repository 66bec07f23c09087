-- title: a plan keeps no value of a function that is wrongly declared immutable
-- role: switcher
-- limit: what a cleared author declares immutable is computed once, by whoever plans, and kept by generic plans
-- expect: filtered
-- forbidden: SECRET-CANARY
-- recorded: no

SET ROLE doctor;
CREATE FUNCTION scratch.imm() RETURNS text LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN RETURN (SELECT max(body) FROM att.secret); END $$;
PREPARE p AS SELECT scratch.imm();
SET plan_cache_mode = force_generic_plan;
EXECUTE p \g /dev/null
RESET ROLE;
EXECUTE p;
