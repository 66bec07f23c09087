-- title: membership in pg_read_all_data is no clearance
-- role: reader
-- expect: denied
-- denials: 2
-- recorded: yes

SELECT * FROM att.secret;
UPDATE att.secret SET body = 'x';
SELECT * FROM att.rows;
