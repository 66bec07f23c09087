-- title: raising the tier of the session by settings
-- role: doctor
-- expect: filtered
-- required: ^tier baseline$
-- forbidden: tier (intermediate|enhanced|highest)

SET dataclass.session_tier = 'highest';
SELECT 'tier ' || tier FROM dataclass.session();
SELECT FROM set_config('dataclass.session_tier', 'highest', false);
SELECT 'tier ' || tier FROM dataclass.session();
BEGIN;
SET LOCAL dataclass.session_tier = 'highest';
SELECT 'tier ' || tier FROM dataclass.session();
ROLLBACK;
SET dataclass.session_tier = '';
SELECT 'tier ' || tier FROM dataclass.session();
RESET ALL;
SET password_encryption = 'scram-sha-256';
SET application_name = 'tls1.3';
SELECT 'tier ' || tier FROM dataclass.session();
SET SESSION AUTHORIZATION doctor;
SELECT 'tier ' || tier FROM dataclass.session();
CREATE FUNCTION pg_temp.tier() RETURNS text LANGUAGE plpgsql SET dataclass.session_tier = 'highest'
	AS $$ BEGIN RETURN 'tier ' || tier FROM dataclass.session(); END $$;
SELECT pg_temp.tier();
\c "user=doctor dbname=att options='-c dataclass.session_tier=highest' application_name=mtls"
SELECT 'tier ' || tier FROM dataclass.session();
