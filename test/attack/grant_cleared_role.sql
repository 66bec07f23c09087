-- title: granting membership in a cleared role
-- role: roleadmin
-- expect: denied
-- denials: 4
-- recorded: yes

GRANT doctor TO roleadmin;
GRANT doctor TO plain;
CREATE ROLE mole1 LOGIN IN ROLE doctor;
ALTER GROUP doctor ADD USER plain;
