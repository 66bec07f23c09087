# Fuzz targets of the parsers.
#
#	make -f test/fuzz/fuzz.mk fuzz-replay	run the committed corpora, TAP
#	make -f test/fuzz/fuzz.mk fuzz			look for more, FUZZ_SECONDS per target
#
# test/fuzz/fuzz_NAME.c defines LLVMFuzzerTestOneInput() and names its sources
# in a comment line "LINK: src/...c ..."; test/fuzz/corpus/NAME/ holds inputs,
# test/fuzz/NAME.dict (if there) tokens.  FUZZ_TARGETS="NAME ..." picks some.
#
# fuzz-replay builds with gcc, or CC, and with the sanitizers where they link.
# fuzz needs clang.  Both print or leave what they found below BUILD.

BUILD        ?= tmp_unit
PG_CONFIG    ?= pg_config
FUZZ_CC      ?= clang
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(patsubst test/fuzz/fuzz_%.c,%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
SHELL        := /bin/sh

FUZZ_OUT        := $(BUILD)/fuzz
FUZZ_PG_INCLUDE := $(shell $(PG_CONFIG) --includedir-server)
FUZZ_PGPORT     := $(wildcard $(addprefix $(shell $(PG_CONFIG) --pkglibdir)/,libpgcommon_shlib.a libpgport_shlib.a))
FUZZ_CFLAGS     := -std=gnu11 -O1 -g -fno-omit-frame-pointer -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-sign-compare -Wno-missing-field-initializers -D_GNU_SOURCE
FUZZ_CPPFLAGS   := -Iinclude -Itest/fuzz -isystem $(FUZZ_PG_INCLUDE)
FUZZ_HEADERS    := $(wildcard include/pg_dataclass/*.h test/fuzz/*.h)

FUZZ_SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_SAN = $(shell mkdir -p $(FUZZ_OUT) && echo 'int main(void) { return 0; }' > $(FUZZ_OUT)/probe.c && \
	$(CC) $(FUZZ_SAN_FLAGS) -o $(FUZZ_OUT)/probe $(FUZZ_OUT)/probe.c 2> $(FUZZ_OUT)/probe.log && \
	$(FUZZ_OUT)/probe && echo $(FUZZ_SAN_FLAGS))

# $(1): name of the target
fuzz_link = $(shell sed -n 's/^.*LINK:[[:space:]]*\(.*\)$$/\1/p' test/fuzz/fuzz_$(1).c)

.PHONY: fuzz fuzz-replay fuzz-clean

define FUZZ_RULE
$(FUZZ_OUT)/replay_$(1): test/fuzz/fuzz_$(1).c test/fuzz/replay_main.c $$(call fuzz_link,$(1)) $$(FUZZ_HEADERS)
	@mkdir -p $$(FUZZ_OUT)
	@$$(CC) $$(FUZZ_CFLAGS) $$(FUZZ_SAN) $$(FUZZ_CPPFLAGS) -o $$@ $$(filter %.c,$$^) $$(FUZZ_PGPORT) -lcrypto

$(FUZZ_OUT)/fuzz_$(1): test/fuzz/fuzz_$(1).c $$(call fuzz_link,$(1)) $$(FUZZ_HEADERS)
	@mkdir -p $$(FUZZ_OUT)
	@$$(FUZZ_CC) $$(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		$$(FUZZ_CPPFLAGS) -o $$@ $$(filter %.c,$$^) $$(FUZZ_PGPORT) -lcrypto
endef
$(foreach name,$(FUZZ_TARGETS),$(eval $(call FUZZ_RULE,$(name))))

fuzz-replay: $(FUZZ_TARGETS:%=$(FUZZ_OUT)/replay_%)
	@status=0; \
	$(foreach name,$(FUZZ_TARGETS),echo '# fuzz_$(name)'; $(FUZZ_OUT)/replay_$(name) test/fuzz/corpus/$(name) || status=1;) \
	exit $$status

# New inputs go to BUILD, findings too; the committed corpus is only read.
fuzz: $(FUZZ_TARGETS:%=$(FUZZ_OUT)/fuzz_%)
	@status=0; \
	for name in $(FUZZ_TARGETS); do \
		mkdir -p $(FUZZ_OUT)/found_$$name; \
		dict=; [ -f test/fuzz/$$name.dict ] && dict=-dict=test/fuzz/$$name.dict; \
		$(FUZZ_OUT)/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 $$dict \
			-print_final_stats=1 -artifact_prefix=$(FUZZ_OUT)/finding_$$name- \
			$(FUZZ_OUT)/found_$$name test/fuzz/corpus/$$name || status=1; \
	done; \
	exit $$status

fuzz-clean:
	rm -rf $(FUZZ_OUT)
