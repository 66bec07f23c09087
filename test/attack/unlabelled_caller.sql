-- title: looking through what is not labelled without being an officer
-- role: dba
-- expect: denied
-- denials: 5
-- recorded: kind=access_denied rule=officer

SELECT * FROM dataclass.find_unlabelled();
SELECT * FROM dataclass.find_unlabelled(0);
SELECT * FROM dataclass.unlabelled;
CREATE FUNCTION scratch.look() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM dataclass.find_unlabelled()';
ALTER FUNCTION scratch.look() OWNER TO officer;
SELECT scratch.look();
DO $$ BEGIN PERFORM dataclass.find_unlabelled(1); END $$;
