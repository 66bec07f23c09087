-- title: a masked column, for a superuser
-- role: dba
-- expect: filtered
-- required: ^10\|name 10\|$
-- recorded: no

SELECT * FROM att.masked;
SELECT ssn FROM att.masked;
COPY att.masked TO STDOUT;
COPY (SELECT ssn FROM att.masked) TO STDOUT;
DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM att.masked LOOP RAISE NOTICE '%', r; END LOOP; END $$;
SELECT query_to_xml('SELECT * FROM att.masked', false, false, '');
SELECT table_to_xml('att.masked', false, false, '');
