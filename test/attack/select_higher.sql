-- title: a clearance that is not high enough
-- role: low
-- expect: denied
-- recorded: kind=access_denied rule=dominance

SELECT * FROM att.secret;
