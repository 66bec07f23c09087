-- title: a label lowered through a sub-select and through FROM
-- role: doctor
-- expect: denied
-- denials: 2
-- recorded: kind=row_denied rule=privilege

UPDATE att.rows SET (label, body) = (SELECT 'open'::dataclass.label, body) WHERE id = 16;
UPDATE att.rows r SET label = o.label FROM (SELECT label FROM att.rows WHERE id = 1) o WHERE r.id = 17;
