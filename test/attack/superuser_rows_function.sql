-- title: a function that the planner would inline for a superuser
-- role: dba
-- expect: filtered
-- required: ^10$
-- recorded: no

SELECT * FROM att.f_rows();
SELECT count(*) FROM att.f_rows();
SELECT * FROM att.f_rows_super();
