-- title: validating a foreign key names the first key that is missing
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

CREATE TABLE scratch.keys (code text PRIMARY KEY);
ALTER TABLE att.twice ADD FOREIGN KEY (code) REFERENCES scratch.keys;
ALTER TABLE att.twice ADD CONSTRAINT later FOREIGN KEY (code) REFERENCES scratch.keys NOT VALID;
ALTER TABLE att.twice VALIDATE CONSTRAINT later;
ALTER TABLE att.twice DROP CONSTRAINT IF EXISTS later;
DROP TABLE scratch.keys;
