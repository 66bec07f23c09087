-- title: session_replication_role does not switch anything off
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: yes

SET session_replication_role = replica;
SELECT * FROM att.secret;
INSERT INTO att.rows VALUES (100, 'secret:health', 'x');
