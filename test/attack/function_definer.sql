-- title: SECURITY DEFINER functions of everybody
-- role: plain
-- expect: denied
-- denials: 4
-- recorded: kind=access_denied rule=dominance

SELECT * FROM att.f_owner();
SELECT * FROM att.f_owner_plpgsql();
SELECT * FROM att.f_super();
SELECT * FROM att.f_doctor();
