-- title: a superuser who is no officer accepts and revokes attestations
-- role: dba
-- expect: denied
-- denials: 5
-- recorded: kind=attestation rule=attestation

SELECT dataclass.attest('{}', decode(repeat('00', 64), 'hex'));
SELECT dataclass.attest('{}', repeat('00', 64));
SELECT dataclass.attest('{}', 'no signature'::text);
SELECT dataclass.revoke_attestation('x', 'y');
DO $$BEGIN PERFORM dataclass.attest('{}', decode(repeat('00', 64), 'hex')); END$$;
