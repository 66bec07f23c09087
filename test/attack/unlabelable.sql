-- title: objects that carry no label are under their table's
-- role: owner
-- expect: refused
-- denials: 3
-- recorded: no
-- sqlstate: (42601|42809|0A000|22023|42501|42704)

SECURITY LABEL FOR dataclass ON INDEX att.indexed_fx IS 'open';
SECURITY LABEL FOR dataclass ON TABLE att.indexed_fx IS 'open';
SECURITY LABEL FOR dataclass ON TYPE att.word IS 'open';
SECURITY LABEL FOR dataclass ON PUBLICATION nobody IS 'open';
SELECT * FROM att.secret WHERE false;
