-- title: taking away the tier that sessions of an account come in with
-- role: dba
-- expect: denied
-- denials: 7
-- recorded: kind=ddl_denied rule=officer

ALTER ROLE doctor SET dataclass.session_tier = 'highest';
ALTER ROLE doctor RESET dataclass.session_tier;
ALTER ROLE doctor IN DATABASE att SET dataclass.session_tier TO DEFAULT;
ALTER ROLE ALL SET dataclass.session_tier = 'highest';
ALTER DATABASE att SET dataclass.session_tier = 'highest';
ALTER DATABASE att SET "DATACLASS.SESSION_TIER" = 'highest';
ALTER ROLE pooler RESET ALL;
