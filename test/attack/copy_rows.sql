-- title: COPY TO of a row-labelled table
-- role: plain
-- expect: filtered
-- required: OPEN-ROW
-- recorded: no

COPY att.rows TO STDOUT;
COPY (SELECT body FROM att.rows) TO STDOUT;
