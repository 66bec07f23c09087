# C unit tests of the pure modules.  They need the server's headers, not a
# server:		make -f test/unit/unit.mk unit
#
# test/unit/unit_NAME.c is a program that prints TAP and exits non-zero when an
# assertion failed; test/unit/unit_NAME.sh is the same as a shell script.  What
# a program needs stands in some test/unit/*.mk:
#
#	UNIT_SRC_NAME	sources it is compiled with
#	UNIT_LIBS_NAME	libraries besides -lcrypto
#	UNIT_RUN_NAME	command that gets the program's path as its argument
#
# unit prints the streams one after another; unit-sanitize does so with
# AddressSanitizer and UndefinedBehaviorSanitizer.

BUILD     ?= tmp_unit
PG_CONFIG ?= pg_config
UNIT_SAN  ?=
SHELL     := /bin/sh

UNIT_PROGRAMS := $(patsubst test/unit/unit_%.c,%,$(sort $(wildcard test/unit/unit_*.c)))
UNIT_SCRIPTS  := $(sort $(wildcard test/unit/unit_*.sh))
UNIT_HEADERS  := $(wildcard include/pg_dataclass/*.h test/unit/*.h)

include $(filter-out test/unit/unit.mk,$(wildcard test/unit/*.mk))

# The server's headers are not ours to warn about.
UNIT_PG_INCLUDE := $(shell $(PG_CONFIG) --includedir-server)
UNIT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-sign-compare -Wno-missing-field-initializers -D_GNU_SOURCE
UNIT_CPPFLAGS := -Iinclude -Itest/unit -isystem $(UNIT_PG_INCLUDE)
# Static archives of the server's portability layer, used if anything asks.
UNIT_PGPORT := $(wildcard $(addprefix $(shell $(PG_CONFIG) --pkglibdir)/,libpgcommon_shlib.a libpgport_shlib.a))

.PHONY: unit unit-build unit-sanitize unit-clean

unit-build: $(UNIT_PROGRAMS:%=$(BUILD)/unit_%)

# $(1): name of the program
define UNIT_RULE
$(BUILD)/unit_$(1): test/unit/unit_$(1).c $$(UNIT_SRC_$(1)) $$(UNIT_HEADERS) $$(wildcard test/unit/*.mk)
	@mkdir -p $$(BUILD)
	@$$(CC) $$(UNIT_CFLAGS) $$(UNIT_SAN) $$(UNIT_CPPFLAGS) -o $$@ test/unit/unit_$(1).c $$(UNIT_SRC_$(1)) \
		$$(UNIT_PGPORT) $$(UNIT_LIBS_$(1)) -lcrypto
endef
$(foreach name,$(UNIT_PROGRAMS),$(eval $(call UNIT_RULE,$(name))))

# Every test runs, whatever failed before it.
unit: unit-build
	@status=0; \
	$(foreach name,$(UNIT_PROGRAMS),echo '# unit_$(name)'; $(UNIT_RUN_$(name)) $(BUILD)/unit_$(name) || status=1;) \
	$(foreach script,$(UNIT_SCRIPTS),echo '# $(notdir $(script))'; CC='$(CC)' PG_CONFIG='$(PG_CONFIG)' sh $(script) || status=1;) \
	exit $$status

unit-sanitize:
	@UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) --no-print-directory -f test/unit/unit.mk unit BUILD=$(BUILD)/sanitize \
		UNIT_SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"

unit-clean:
	rm -rf $(BUILD)
