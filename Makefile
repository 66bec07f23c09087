# pg_dataclass: PGXS build.  `make demo` and `make check` need nothing but a
# shell, make and the distribution's package client; the rest needs pg_config.

EXTENSION    = pg_dataclass
MODULE_big   = pg_dataclass
EXTVERSION   = $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" pg_dataclass.control)
OBJS         = $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c))
SQL_PARTS    = $(sort $(wildcard sql/install/*.sql))
SCRIPT       = pg_dataclass--$(EXTVERSION).sql
DATA_built   = $(SCRIPT)
DATA         = $(wildcard sql/upgrade/*.sql) $(wildcard profiles/*.json)
HEADERS_pg_dataclass = include/pg_dataclass/pg_dataclass.h
PGFILEDESC   = "pg_dataclass - data classes, clearances and audit inside the database"

PG_CPPFLAGS  = -I$(srcdir)/include
PG_CFLAGS    = -std=gnu11 -fvisibility=hidden $(if $(STRICT),-Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wno-cast-function-type -Wno-clobbered,)
SHLIB_LINK   = -lcrypto

REGRESS      = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --inputdir=. --temp-instance=tmp_check --temp-config=test/regress.conf
EXTRA_CLEAN  = $(SCRIPT) tmp_check output_iso log results

# The verifier needs no PostgreSQL, `make verifier` builds it alone.
VERIFIER     = tools/verify/dataclass_verify
VERIFIER_SRC = $(sort $(wildcard tools/verify/*.c)) src/audit/audit_encode.c src/audit/audit_merkle.c src/audit/trail_format.c
SCRIPTS_built = $(VERIFIER)

# No LLVM bitcode: it would need the very clang that built the server.
override with_llvm = no

PG_CONFIG   ?= pg_config
HAVE_PG     := $(shell command -v $(PG_CONFIG) >/dev/null 2>&1 && test -f "$$($(PG_CONFIG) --pgxs)" && echo yes)

# The goals of test/targets.mk build in a place of their own; PGXS, which has
# another idea of `check`, stays out when nothing else is asked for.
OWN_GOALS    = check check-core demo bench attack fuzzdiff lint sanitize
ifneq ($(MAKECMDGOALS),)
ifeq ($(filter-out $(OWN_GOALS),$(MAKECMDGOALS)),)
HAVE_PG      := no
endif
endif

ifeq ($(HAVE_PG),yes)
srcdir := .
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS tracks no header dependencies: any header rebuilds all.
$(OBJS): $(wildcard include/pg_dataclass/*.h)

$(SCRIPT): $(SQL_PARTS) pg_dataclass.control
	cat $(SQL_PARTS) > $@
endif

include $(wildcard test/targets.mk)

.PHONY: verifier
verifier: $(VERIFIER)

$(VERIFIER): $(VERIFIER_SRC) $(wildcard tools/verify/*.h tools/verify/standalone/*.h include/pg_dataclass/*.h)
	$(CC) -std=gnu11 -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wall -Wextra -Wno-sign-compare $(if $(STRICT),-Werror) \
		-Itools/verify/standalone -Iinclude -o $@ $(VERIFIER_SRC) -lcrypto
