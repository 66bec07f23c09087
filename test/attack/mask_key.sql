-- title: the key of hash masks
-- role: dba
-- expect: denied
-- denials: 9
-- recorded: yes

SELECT * FROM dataclass.mask_key;
COPY dataclass.mask_key TO STDOUT;
UPDATE dataclass.mask_key SET key = decode(repeat('00', 32), 'hex');
DELETE FROM dataclass.mask_key;
TRUNCATE dataclass.mask_key;
INSERT INTO dataclass.mask_key VALUES (decode(repeat('00', 32), 'hex'));
CREATE VIEW scratch.mask_key AS SELECT * FROM dataclass.mask_key;
SELECT * FROM scratch.mask_key;
ALTER TABLE dataclass.mask_key ALTER key TYPE text USING encode(key, 'hex');
CREATE INDEX ON dataclass.mask_key (encode(key, 'hex'));
