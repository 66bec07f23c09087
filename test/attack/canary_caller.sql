-- title: a canary proof, and its checkpoint, without being an officer
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: kind=access_denied rule=officer

SELECT * FROM dataclass.canary_proof();
SELECT * FROM dataclass.canary_proof('heap', 'pg_default');
CREATE FUNCTION scratch.prove() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM dataclass.canary_proof()';
ALTER FUNCTION scratch.prove() OWNER TO officer;
SELECT scratch.prove();
DO $$ BEGIN PERFORM dataclass.canary_proof(); END $$;
