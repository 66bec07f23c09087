-- Roles and policy of the benchmarks; run by a superuser who is an officer.

CREATE EXTENSION pg_trgm;
\ir officer.sql

-- Cleared for three of five classes, for all, for the rarest; and one who writes.
CREATE ROLE reader LOGIN;
CREATE ROLE full_reader LOGIN;
CREATE ROLE rare_reader LOGIN;
CREATE ROLE writer LOGIN;
GRANT pg_read_server_files TO writer;
SECURITY LABEL FOR dataclass ON ROLE reader IS 'restricted:health';
SECURITY LABEL FOR dataclass ON ROLE full_reader IS 'secret:health';
SECURITY LABEL FOR dataclass ON ROLE rare_reader IS 'open';
SECURITY LABEL FOR dataclass ON ROLE writer IS 'secret with (export)';

-- Subjects of row-level security of the usual kinds, see rows.sql and items.sql.
CREATE ROLE rls_setting LOGIN;
CREATE ROLE rls_list LOGIN;
CREATE ROLE rls_exists LOGIN;
CREATE ROLE rls_in LOGIN;
CREATE ROLE rls_scalar LOGIN;
CREATE ROLE rls_full LOGIN;
SECURITY LABEL FOR dataclass ON ROLE rls_full IS 'secret:health';

-- A class for a number.
CREATE FUNCTION bench_label(level int) RETURNS text LANGUAGE sql IMMUTABLE
	RETURN (ARRAY['open', 'public', 'restricted', 'confidential', 'secret'])[level];
