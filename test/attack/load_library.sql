-- title: LOAD
-- role: dba
-- expect: denied
-- recorded: yes

LOAD 'auto_explain';
