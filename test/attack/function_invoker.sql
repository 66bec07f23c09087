-- title: a function
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

SELECT * FROM att.f_invoker();
SELECT * FROM att.plain WHERE body IN (SELECT att.f_invoker());
