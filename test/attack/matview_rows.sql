-- title: a materialised view over row labels holds only what its maker sees
-- role: dba
-- expect: filtered
-- required: ^10$
-- recorded: no

CREATE MATERIALIZED VIEW scratch.mvr AS SELECT * FROM att.rows;
SELECT count(*) FROM scratch.mvr;
SELECT * FROM scratch.mvr;
