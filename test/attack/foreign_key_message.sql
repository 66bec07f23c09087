-- title: the messages of foreign key violations show nothing of the other side
-- role: plain
-- expect: refused
-- sqlstate: 23503
-- denials: 4
-- forbidden: Key \(
-- recorded: no

INSERT INTO att.fk_child VALUES (2, 'nothing');
\c - dba
INSERT INTO att.fk_child VALUES (2, 'nothing');
BEGIN;
ALTER TABLE att.fk_child ALTER CONSTRAINT fk_child_code_fkey DEFERRABLE INITIALLY DEFERRED;
INSERT INTO att.fk_child VALUES (2, 'nothing');
COMMIT;
COPY att.fk_child FROM STDIN;
2	nothing
\.
