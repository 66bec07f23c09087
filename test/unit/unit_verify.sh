#!/bin/sh
# The stand-alone verifier: builds without PostgreSQL, with the sanitizers where
# they link, and withstands test/unit/verify_attacks.pl.  Prints TAP.
#
# Environment: CC.
CC=${CC:-cc}
dir=$(mktemp -d "${TMPDIR:-/tmp}/verify.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT

build()		# build FLAG ...
{
	"$CC" -std=gnu11 -O1 -g -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-sign-compare "$@" \
		-Itools/verify/standalone -Iinclude -o "$dir/dataclass_verify" tools/verify/*.c \
		src/audit/audit_encode.c src/audit/audit_merkle.c src/audit/trail_format.c -lcrypto
}

build -fsanitize=address,undefined -fno-sanitize-recover=all > "$dir/log" 2>&1 && "$dir/dataclass_verify" --help > /dev/null 2>&1 ||
	build > "$dir/log" 2>&1 || { cat "$dir/log"; echo 'Bail out! the verifier does not build'; exit 1; }
perl test/unit/verify_attacks.pl "$dir/dataclass_verify"
