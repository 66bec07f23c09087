# Signatures and the small parsers of attestations.
UNIT_SRC_signature   := src/policy/signature.c
UNIT_SRC_attest_scan := src/atrest/attest_scan.c
