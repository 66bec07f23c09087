-- title: a clearance that is not high enough
-- role: low
-- expect: denied
-- recorded: yes

SELECT * FROM att.secret;
