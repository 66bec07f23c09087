# Unit tests of the pure modules of the audit trail.
UNIT_SRC_audit_encode  = src/audit/audit_encode.c src/audit/audit_merkle.c
UNIT_SRC_audit_merkle  = src/audit/audit_merkle.c
UNIT_SRC_audit_journal = src/audit/audit_journal_format.c src/audit/audit_merkle.c
UNIT_SRC_audit_statement = src/audit/audit_statement.c
