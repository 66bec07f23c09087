-- title: making a materialised view
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: kind=access_denied rule=dominance

CREATE MATERIALIZED VIEW scratch.mv1 AS SELECT * FROM att.secret;
CREATE MATERIALIZED VIEW scratch.mv2 AS SELECT * FROM att.part_1;
