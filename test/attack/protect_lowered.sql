-- title: an officer lowers the ceiling first, to be cleared for it
-- role: officer_low
-- expect: refused
-- sqlstate: 23514
-- denials: 2

SELECT dataclass.protect('att.prot', 'restricted');
SELECT dataclass.protect('att.prot_top', 'open');
SELECT * FROM att.prot;
