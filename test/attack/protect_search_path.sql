-- title: names of the extension in the search path of the officer who protects
-- role: officer
-- expect: filtered
-- required: CHECK \(dataclass\.row_within\(label, 'secret:health'
-- forbidden: seen

CREATE FUNCTION scratch.row_within(dataclass.label, text, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$;
CREATE FUNCTION scratch.row_label() RETURNS dataclass.label LANGUAGE plpgsql AS
	$$ BEGIN RAISE NOTICE 'seen'; RETURN 'open'; END $$;
CREATE DOMAIN scratch.label AS text;
SET search_path = scratch, dataclass, pg_catalog;
SELECT dataclass.protect('att.prot_none', 'secret:health', index => true);
INSERT INTO att.prot_none VALUES (1);
SELECT pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint WHERE conrelid = 'att.prot_none'::regclass;
SELECT dataclass.unprotect('att.prot_none');
DROP DOMAIN scratch.label;
DROP FUNCTION scratch.row_within, scratch.row_label;
