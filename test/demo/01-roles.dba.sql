-- The DBA installs the extension and makes the department's roles.
CREATE EXTENSION pg_dataclass;

CREATE ROLE health_dept NOLOGIN;                  -- owns the department's tables
CREATE ROLE officer   LOGIN PASSWORD 'demo-officer';
CREATE ROLE registrar LOGIN PASSWORD 'demo-registrar';
CREATE ROLE doctor    LOGIN PASSWORD 'demo-doctor';
CREATE ROLE portal    LOGIN PASSWORD 'demo-portal';   -- the application's account
CREATE ROLE auditor   LOGIN PASSWORD 'demo-auditor';

GRANT dataclass_officer TO officer;
GRANT dataclass_auditor TO auditor;
