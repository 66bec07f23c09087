-- title: dynamic SQL
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

DO $$ DECLARE t text; BEGIN EXECUTE 'SELECT body FROM att.' || 'secret LIMIT 1' INTO t; RAISE NOTICE '%', t; END $$;
DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'TABLE att.secret' LOOP RAISE NOTICE '%', r; END LOOP; END $$;
