-- title: masks in dumps: an error, not a mask
-- role: dba
-- expect: denied
-- denials: 3
-- recorded: yes

SET row_security = off;
COPY att.masked TO STDOUT;
SELECT * FROM att.masks;
COPY (SELECT m FROM att.masked m) TO STDOUT;
