-- Emergency access (src/policy/break_glass.c).

CREATE FUNCTION dataclass.break_glass(reason pg_catalog.text, duration pg_catalog.interval DEFAULT '15 minutes')
	RETURNS pg_catalog.timestamptz LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_break_glass';
COMMENT ON FUNCTION dataclass.break_glass(pg_catalog.text, pg_catalog.interval) IS
	'opens emergency access for this session and role: reads and writes beyond compartments and class, not beyond the tier of the session nor quarantine; needs the privilege break_glass of the clearance; returns until when, at most policy_setting break_glass_minutes (60) from now. Opening, each use and the end are recorded. Errors: 42501 no privilege, or inside a function of another role, 22023 no reason, or too long, 58030 cannot be recorded';
CREATE FUNCTION dataclass.end_break_glass()
	RETURNS pg_catalog.bool LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_end_break_glass';
COMMENT ON FUNCTION dataclass.end_break_glass() IS
	'ends emergency access of this session before its time; false: none was open';
-- Not kept from anybody: whoever lacks the privilege is refused by the function, and that is recorded.
