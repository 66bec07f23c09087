-- title: settings that run a command, load a library or say who is let in
-- role: dba
-- expect: denied
-- denials: 9
-- recorded: rule=officer

ALTER SYSTEM SET archive_command = 'true';
ALTER SYSTEM SET archive_library = 'x';
ALTER SYSTEM SET restore_command = 'true';
ALTER SYSTEM SET archive_cleanup_command = 'true';
ALTER SYSTEM SET ssl_passphrase_command = 'true';
ALTER SYSTEM SET jit_provider = 'x';
ALTER SYSTEM SET dynamic_library_path = '/tmp';
ALTER SYSTEM SET hba_file = '/tmp/pg_hba.conf';
ALTER SYSTEM SET ident_file = '/tmp/pg_ident.conf';
