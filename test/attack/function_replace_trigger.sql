-- title: replacing the function of a trigger on a labelled table
-- role: owner
-- expect: denied
-- denials: 1
-- recorded: yes

CREATE OR REPLACE FUNCTION att.trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''seen: %'', OLD; RETURN NEW; END';
\connect - doctor
UPDATE att.indexed SET id = id;
