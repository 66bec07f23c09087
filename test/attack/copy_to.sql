-- title: COPY TO
-- role: plain
-- expect: denied
-- denials: 4
-- recorded: kind=access_denied rule=dominance

COPY att.secret TO STDOUT;
COPY att.secret (id) TO STDOUT;
COPY (SELECT * FROM att.secret) TO STDOUT;
COPY (DELETE FROM att.secret RETURNING *) TO STDOUT;
