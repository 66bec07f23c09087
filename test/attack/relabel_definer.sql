-- title: a function of one who may relabel does so for its caller
-- role: low
-- expect: denied
-- denials: 1
-- recorded: yes

SELECT att.lower_it();
SELECT label FROM att.inbox WHERE id = 30;
