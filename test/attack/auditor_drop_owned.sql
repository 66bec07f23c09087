-- title: DROP OWNED BY dataclass_auditor takes the trail from its readers
-- role: dba
-- expect: denied
-- recorded: yes

BEGIN;
DROP OWNED BY dataclass_auditor;
ROLLBACK;
