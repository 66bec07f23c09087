#!/bin/sh
# Rules of the tree that a compiler does not check.  Prints TAP.
#
# Environment: CC, PG_CONFIG.
CC=${CC:-cc}
PG_CONFIG=${PG_CONFIG:-pg_config}
include=$("$PG_CONFIG" --includedir-server)
n=0
bad=0

result()	# result STATUS NAME
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		bad=1
		echo "not ok $n - $2"
	fi
}

note()		# the lines of standard input, as diagnostics
{
	sed 's/^/#   /'
}

# Differences between majors live in one place.
word=PG_VERSION"_NUM"
found=$(find src include test -name '*.[ch]' ! -path include/pg_dataclass/compat.h \
	-exec grep -ln "$word" {} + 2>/dev/null)
test -z "$found"
result $? "$word is used in compat.h only"
[ -z "$found" ] || echo "$found" | note

# Base names are unique: PGXS keeps one dependency file per base name.
found=$(find src -name '*.c' | sed 's|.*/||' | sort | uniq -d)
test -z "$found"
result $? "base names of sources are unique"
[ -z "$found" ] || echo "$found" | note

# postgres.h comes first in each source and in no header.
found=$(find src -name '*.c' | while read -r file; do
	first=$(sed -n 's/^#[ ]*include[ ]*[<"]\([^>"]*\)[>"].*/\1/p' "$file" | head -n 1)
	[ "$first" = postgres.h ] || echo "$file: $first"
done)
test -z "$found"
result $? "postgres.h is the first include of each source"
[ -z "$found" ] || echo "$found" | note

found=$(grep -l '^#[ ]*include[ ]*"postgres.h"' include/pg_dataclass/*.h)
test -z "$found"
result $? "no header includes postgres.h"
[ -z "$found" ] || echo "$found" | note

for header in include/pg_dataclass/*.h; do
	name=${header##*/}
	output=$(printf '#include "postgres.h"\n#include "pg_dataclass/%s"\n#include "pg_dataclass/%s"\n' "$name" "$name" |
		"$CC" -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
			-Wno-missing-field-initializers -D_GNU_SOURCE \
			-Iinclude -isystem "$include" -fsyntax-only -x c - 2>&1)
	status=$?
	result $status "$name compiles alone, and twice"
	[ $status -eq 0 ] || echo "$output" | head -n 5 | note
done

echo "1..$n"
exit $bad
