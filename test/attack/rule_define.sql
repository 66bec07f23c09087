-- title: a rule on labelled data
-- role: owner
-- expect: denied
-- recorded: yes

CREATE RULE spy AS ON INSERT TO att.secret DO ALSO INSERT INTO att.plain VALUES (NEW.id, NEW.body);
