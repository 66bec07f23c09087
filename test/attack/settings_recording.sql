-- title: settings that keep the audit writer from starting, or its records from being durable
-- role: dba
-- expect: denied
-- denials: 5
-- recorded: rule=officer

ALTER SYSTEM SET max_worker_processes = 0;
ALTER SYSTEM SET fsync = off;
ALTER SYSTEM SET full_page_writes = off;
ALTER SYSTEM SET cluster_name = 'another server';
ALTER SYSTEM RESET max_worker_processes;
