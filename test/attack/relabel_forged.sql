-- title: the check of labels is told another former label
-- role: low
-- expect: refused
-- sqlstate: 42883
-- denials: 2

SELECT dataclass.row_version_check('open', 'att.inbox'::regclass, 0, 0, NULL);
DO $$ BEGIN PERFORM dataclass.row_version_check('open', 'att.inbox'::regclass, 0, 0, 1); END $$;
