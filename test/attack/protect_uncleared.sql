-- title: an officer who is not cleared for the rows takes their labels away
-- role: officer_low
-- expect: denied
-- denials: 2
-- recorded: kind=access_denied rule=dominance

SELECT dataclass.unprotect('att.prot');
SELECT dataclass.unprotect('att.prot_top');
SELECT * FROM att.prot;
SELECT * FROM att.prot_part;
