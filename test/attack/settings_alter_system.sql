-- title: switching enforcement off with ALTER SYSTEM
-- role: dba
-- expect: denied
-- denials: 3
-- recorded: yes

ALTER SYSTEM SET dataclass.enforcement = off;
ALTER SYSTEM SET shared_preload_libraries = '';
ALTER SYSTEM RESET ALL;
