-- title: settings of the server that hide damage or let others in, stored by a superuser
-- role: dba
-- expect: denied
-- denials: 6
-- recorded: kind=ddl_denied

ALTER SYSTEM SET ignore_checksum_failure = on;
ALTER SYSTEM SET ignore_system_indexes = on;
ALTER SYSTEM SET ssl_ca_file = '/tmp/ca';
ALTER SYSTEM SET ssl_crl_file = '/tmp/crl';
ALTER SYSTEM SET ssl_crl_dir = '/tmp';
ALTER SYSTEM SET krb_server_keyfile = '/tmp/key';
