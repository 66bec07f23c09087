-- title: an officer who is not cleared lowers the label of the table alone, then takes row labels away
-- role: officer_low
-- expect: denied
-- recorded: kind=label_refused rule=dominance

BEGIN;
SELECT dataclass.set_label('att.prot', 'open');
SELECT dataclass.unprotect('att.prot');
ROLLBACK;
SELECT * FROM att.prot;
