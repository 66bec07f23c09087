-- title: a trigger on an open partitioned table is cloned to its labelled partition
-- role: owner
-- expect: denied
-- denials: 1
-- recorded: yes

CREATE FUNCTION scratch.see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''seen: %'', NEW; RETURN NEW; END';
CREATE TRIGGER see BEFORE INSERT ON att.open_top FOR EACH ROW EXECUTE FUNCTION scratch.see();
\connect - doctor
INSERT INTO att.open_top VALUES (2, 'SECRET-CANARY-NEW');
