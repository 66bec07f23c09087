-- title: a view of a cleared role does not lend its clearance
-- role: plain
-- expect: denied
-- recorded: yes

SELECT * FROM att.v_doctor;
