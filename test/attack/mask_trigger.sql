-- title: code of the owner on masked values
-- role: owner
-- expect: denied
-- denials: 7
-- forbidden: leaked
-- recorded: yes

CREATE FUNCTION scratch.mask_trigger() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN RAISE NOTICE 'leaked %', OLD; RETURN NEW; END $$;
CREATE FUNCTION scratch.mask_trigger(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN RAISE NOTICE 'leaked %', $1; RETURN true; END $$;
CREATE TRIGGER mask_trigger BEFORE UPDATE ON att.masked FOR EACH ROW EXECUTE FUNCTION scratch.mask_trigger();
CREATE RULE mask_trigger AS ON UPDATE TO att.masked DO ALSO SELECT OLD.ssn;
CREATE POLICY mask_trigger ON att.masked USING (scratch.mask_trigger(ssn));
CREATE INDEX ON att.masked (scratch.mask_trigger(ssn));
ALTER TABLE att.masked ADD CHECK (scratch.mask_trigger(ssn));
ALTER TABLE att.masked ALTER ssn TYPE text USING CASE WHEN scratch.mask_trigger(ssn) THEN ssn END;
ALTER TABLE att.masked ADD copy text GENERATED ALWAYS AS (ssn) STORED;
UPDATE att.masked SET name = name;
