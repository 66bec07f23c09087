-- title: constraints of a domain run on every column of that type
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: yes

ALTER DOMAIN att.word ADD CHECK (scratch.leak(VALUE));
ALTER DOMAIN att.word ADD CONSTRAINT later CHECK (scratch.leak(VALUE)) NOT VALID;
ALTER DOMAIN att.word SET NOT NULL;
