-- title: COPY to a program and to a file, by a superuser
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: yes

COPY att.secret TO PROGRAM 'cat >/dev/null';
COPY (SELECT body FROM att.secret) TO '/dev/null';
