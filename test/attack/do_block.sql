-- title: a denial caught in PL/pgSQL is a denial all the same
-- role: plain
-- expect: filtered
-- recorded: yes
-- required: caught

DO $$ DECLARE t text; BEGIN
	SELECT body INTO t FROM att.secret LIMIT 1;
	RAISE NOTICE 'got %', t;
EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE 'caught'; END $$;
