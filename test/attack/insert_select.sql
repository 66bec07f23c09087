-- title: INSERT ... SELECT into a table of one's own
-- role: plain
-- expect: denied
-- recorded: yes

CREATE TEMP TABLE loot (body text);
INSERT INTO loot SELECT body FROM att.secret;
SELECT * FROM loot;
