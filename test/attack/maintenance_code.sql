-- title: maintenance that runs somebody's functions on hidden rows
-- role: owner
-- expect: denied
-- denials: 6
-- recorded: yes

REINDEX TABLE att.indexed;
REINDEX INDEX att.indexed_fx;
REINDEX TABLE CONCURRENTLY att.indexed;
CLUSTER att.indexed USING indexed_fx;
ANALYZE att.indexed;
VACUUM (FULL) att.indexed;
