-- title: refusals of core that PL/pgSQL swallows are told from forged ones
-- role: plain
-- expect: filtered
-- denials: 3
-- recorded: kind=privilege_denied

DO $$
BEGIN
	FOR i IN 1..3 LOOP
		BEGIN
			PERFORM body FROM att_closed.vault;
		EXCEPTION WHEN insufficient_privilege THEN
			NULL;
		END;
	END LOOP;
	FOR i IN 1..3 LOOP
		BEGIN
			RAISE EXCEPTION 'permission denied for table secret' USING ERRCODE = '42501', SCHEMA = 'att', TABLE = 'secret';
		EXCEPTION WHEN insufficient_privilege THEN
			NULL;
		END;
	END LOOP;
END $$;
