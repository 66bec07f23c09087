-- title: a label that nobody registered is written by nobody
-- role: doctor
-- expect: denied
-- recorded: kind=row_denied rule=unknown_label

INSERT INTO att.rows VALUES (100, 'confidential:health', 'x');
