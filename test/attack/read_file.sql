-- title: reading a relation's file through SQL functions
-- role: dba
-- expect: denied
-- recorded: yes

CHECKPOINT;
SELECT 'SECRET-' || 'CANARY' FROM (SELECT encode(pg_read_binary_file(pg_relation_filepath('att.secret')), 'escape') AS t) f
	WHERE t ~ ('SECRET-' || 'CANARY');
