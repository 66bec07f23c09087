-- title: an account takes its own tier away
-- role: pooler
-- expect: denied
-- denials: 3
-- recorded: kind=ddl_denied rule=officer
-- forbidden: tier (intermediate|enhanced|highest)

ALTER ROLE pooler SET dataclass.session_tier = 'highest';
ALTER ROLE CURRENT_USER RESET dataclass.session_tier;
ALTER ROLE pooler RESET ALL;
\c "user=pooler dbname=att options='-c dataclass.session_tier=highest'"
SELECT 'tier ' || tier FROM dataclass.session();
