-- title: an officer accepts what nobody signed: without trust anchors nothing is trusted
-- role: officer
-- expect: refused
-- sqlstate: 55000
-- denials: 3
-- recorded: kind=attestation rule=attestation

SET dataclass.trust_anchors = '/tmp';
SELECT dataclass.attest('{}', decode(repeat('00', 64), 'hex'));
SELECT dataclass.attest('{"type": "pg_dataclass.attestation/1"}', decode(repeat('01', 64), 'hex'));
SELECT dataclass.attest(repeat('[', 60000), repeat('00', 64));
