-- title: publishing labelled data, by a superuser
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: yes

CREATE PUBLICATION spy1 FOR TABLE att.secret;
CREATE PUBLICATION spy2 FOR TABLE att.rows;
CREATE PUBLICATION spy3 FOR ALL TABLES;
CREATE PUBLICATION spy4 FOR TABLES IN SCHEMA att;
