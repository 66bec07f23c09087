-- title: locks on a labelled table through a view, a parent, a partition
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

LOCK TABLE att.v_owner IN ACCESS EXCLUSIVE MODE NOWAIT;
LOCK TABLE att.open_top IN SHARE MODE NOWAIT;
LOCK TABLE att.rows IN ROW EXCLUSIVE MODE NOWAIT;
