-- title: a cleared role lowers a row without the privilege
-- role: doctor
-- expect: denied
-- recorded: yes

UPDATE att.rows SET label = 'open' WHERE id = 15;
