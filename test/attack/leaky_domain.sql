-- title: a constraint of a domain meets every value that is stored
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

ALTER DOMAIN att.word ADD CHECK (scratch.leak(VALUE));
ALTER DOMAIN att.word ADD CONSTRAINT later CHECK (scratch.leak(VALUE)) NOT VALID;
ALTER DOMAIN att.word VALIDATE CONSTRAINT later;
ALTER DOMAIN att.word DROP CONSTRAINT IF EXISTS later;
