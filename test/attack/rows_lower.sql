-- title: a cleared role lowers a row without the privilege
-- role: doctor
-- expect: denied
-- recorded: kind=row_denied rule=privilege

UPDATE att.rows SET label = 'open' WHERE id = 15;
