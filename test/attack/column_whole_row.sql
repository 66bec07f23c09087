-- title: a labelled column by way of the whole row
-- role: plain
-- expect: denied
-- denials: 4
-- recorded: yes

SELECT c FROM att.cols c;
SELECT row_to_json(c) FROM att.cols c;
SELECT c::text FROM att.cols c;
SELECT to_jsonb(c) ->> 'ssn' FROM att.cols c;
