-- title: writing files of the server: its configuration, who is let in
-- role: dba
-- expect: denied
-- denials: 3
-- recorded: rule=dominance

COPY (SELECT 'dataclass.enforcement = off') TO '/tmp/pg_dataclass_attack.conf';
SELECT lo_export(lo_from_bytea(0, 'local all all trust'), '/tmp/pg_dataclass_attack.conf');
COPY (SELECT 1) TO '/tmp/pg_dataclass_attack.conf' WITH (FORMAT binary);
