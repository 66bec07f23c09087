-- title: tables exported as XML into a held cursor, fetched by another role
-- role: switcher
-- expect: denied
-- denials: 3
-- recorded: yes

SET ROLE doctor;
DECLARE c1 CURSOR WITH HOLD FOR SELECT table_to_xml('att.secret', true, false, '');
DECLARE c2 CURSOR WITH HOLD FOR SELECT schema_to_xml_and_xmlschema('att_labelled', true, false, '');
DECLARE c3 CURSOR WITH HOLD FOR SELECT x FROM table_to_xml_and_xmlschema('att.rows', true, false, '') x;
RESET ROLE;
FETCH c1;
FETCH c2;
FETCH c3;
