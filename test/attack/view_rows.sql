-- title: views over a row-labelled table, of everybody
-- role: plain
-- expect: filtered
-- required: ^10$
-- recorded: no

SELECT * FROM att.v_rows_owner;
SELECT * FROM att.v_rows_super;
SELECT * FROM att.v_rows_doctor;
SELECT * FROM att.v_rows_bypass;
SELECT count(*) FROM att.v_rows_super;
