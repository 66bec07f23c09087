-- title: emptying the tables of the policy, limits of sessions among them
-- role: dba
-- expect: denied
-- denials: 7
-- recorded: kind=trail_guard rule=officer

TRUNCATE dataclass.session_limit;
TRUNCATE dataclass.tier_control;
TRUNCATE dataclass.policy_setting;
TRUNCATE dataclass.disclosure_window, dataclass.suggestion;
TRUNCATE dataclass.protected;
TRUNCATE dataclass.era;
TRUNCATE dataclass.row_label CASCADE;
