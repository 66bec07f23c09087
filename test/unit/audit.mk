# Unit tests of the pure modules of the audit trail.
UNIT_SRC_audit_encode  = src/audit/audit_encode.c src/audit/audit_merkle.c
UNIT_SRC_audit_merkle  = src/audit/audit_merkle.c
UNIT_SRC_audit_journal = src/audit/audit_journal_format.c src/audit/audit_merkle.c
UNIT_SRC_trail_format  = src/audit/trail_format.c src/audit/audit_encode.c src/audit/audit_merkle.c \
	tools/verify/verify_note.c tools/verify/verify_proof.c
UNIT_SRC_merkle_proof  = src/audit/audit_merkle.c
UNIT_SRC_checkpoint_note = src/audit/checkpoint_note.c src/audit/audit_merkle.c
UNIT_SRC_audit_statement = src/audit/audit_statement.c
