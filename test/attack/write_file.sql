-- title: writing files of the server: its configuration, who is let in
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: rule=dominance

DO $$ BEGIN EXECUTE format('COPY (SELECT %L) TO %L', 'dataclass.enforcement = off', current_setting('data_directory') || '/postgresql.auto.conf'); END $$;
DO $$ BEGIN EXECUTE format('COPY (SELECT %L) TO %L', 'local all all trust', current_setting('data_directory') || '/base/../pg_hba.conf'); END $$;
DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO %L WITH (FORMAT binary)', current_setting('data_directory') || '/made_up'); END $$;
SELECT lo_export(lo_from_bytea(0, 'local all all trust'), '/tmp/pg_dataclass_attack.conf');
