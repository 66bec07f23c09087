-- title: the owner takes row labels away, or sets a ceiling of his own
-- role: owner
-- expect: denied
-- denials: 4
-- recorded: kind=label_refused rule=officer

SELECT dataclass.unprotect('att.prot');
SELECT dataclass.protect('att.prot', 'open');
SELECT dataclass.protect('att.plain', 'open');
SELECT * FROM dataclass.renew_ceilings('att.prot');
SELECT * FROM att.prot;
