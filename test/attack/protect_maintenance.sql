-- title: a function in an index takes row labels away while an officer rebuilds it
-- role: officer
-- expect: denied
-- recorded: kind=label_refused rule=officer

CREATE FUNCTION scratch.undo(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN IF pg_catalog.current_setting('scratch.go', true) = 'yes' THEN PERFORM dataclass.unprotect('att.prot'); END IF; RETURN $1; END $$;
CREATE TABLE scratch.rebuilt (id int);
CREATE INDEX rebuilt_undo ON scratch.rebuilt (scratch.undo(id));
INSERT INTO scratch.rebuilt VALUES (1);
SET scratch.go = 'yes';
REINDEX TABLE scratch.rebuilt;
RESET scratch.go;
DROP TABLE scratch.rebuilt;
DROP FUNCTION scratch.undo;
