-- title: publishing labelled data, by the owner
-- role: owner
-- expect: refused
-- sqlstate: 42501
-- recorded: no

CREATE PUBLICATION spy FOR TABLE att.secret;
