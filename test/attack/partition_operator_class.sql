-- title: partitions by label whose operator class, made by a superuser, takes all labels for equal
-- role: dba
-- expect: filtered
-- required: OPEN-ROW-OPC

CREATE FUNCTION scratch.opc_same(dataclass.label, dataclass.label) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION scratch.opc_true(dataclass.label, dataclass.label) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR scratch.~=~ (FUNCTION = scratch.opc_true, LEFTARG = dataclass.label, RIGHTARG = dataclass.label);
CREATE OPERATOR CLASS scratch.opc_same_ops FOR TYPE dataclass.label USING btree AS
	OPERATOR 3 scratch.~=~, FUNCTION 1 scratch.opc_same(dataclass.label, dataclass.label);
CREATE TABLE scratch.opc (id int, label dataclass.label NOT NULL, body text) PARTITION BY LIST (label scratch.opc_same_ops);
CREATE TABLE scratch.opc_open PARTITION OF scratch.opc FOR VALUES IN ('open');
GRANT ALL ON scratch.opc, scratch.opc_open TO PUBLIC;
-- somebody cleared stores a row
\c - doctor
INSERT INTO scratch.opc VALUES (1, 'secret:health', 'SECRET-CANARY-OPC'), (2, 'open', 'OPEN-ROW-OPC');
\c - dba
SELECT * FROM scratch.opc;
SELECT * FROM scratch.opc_open;
\c - plain
SELECT * FROM scratch.opc;
SELECT * FROM scratch.opc_open;
