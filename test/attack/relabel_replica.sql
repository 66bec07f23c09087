-- title: a superuser relabels with triggers for replicas
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: yes

SET session_replication_role = replica;
UPDATE att.inbox SET label = 'public' WHERE id = 1;
ALTER TABLE att.inbox ENABLE ALWAYS TRIGGER put;
UPDATE att.inbox SET body = 'label public' WHERE id = 1;
