-- title: a view of the owner
-- role: plain
-- expect: denied
-- recorded: kind=access_denied rule=dominance

SELECT * FROM att.v_owner;
