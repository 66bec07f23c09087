-- title: a leaky function in an exclusion constraint meets every row
-- role: owner
-- expect: denied
-- denials: 3
-- recorded: kind=access_denied rule=dominance

ALTER TABLE att.bare ADD EXCLUDE USING btree (scratch.leak_immutable(body) WITH =);
ALTER TABLE att.rows ADD EXCLUDE USING btree (scratch.leak_immutable(body) WITH =);
ALTER TABLE att.rows ADD EXCLUDE USING btree (id WITH =) WHERE (scratch.leak(body));
