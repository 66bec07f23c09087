# Goals beyond the PGXS build.  They need nothing but a shell, make and the
# distribution's package client: each works on a built copy of the tree, as an
# unprivileged user, beside a private PostgreSQL installation (test/bin/prepare).

.PHONY: check check-core demo bench attack fuzzdiff lint sanitize

# Every test; ends with "N passed, N failed".  Asked for together with goals of
# the build, it replaces the recipe of PGXS, which make mentions.
ifneq ($(HAVE_PG),yes)
check:
	@test/bin/prepare --fscrypt --gocryptfs --chromium check
else ifneq ($(filter check,$(MAKECMDGOALS)),)
check:
	@test/bin/prepare --fscrypt --gocryptfs --chromium check
endif

# PostgreSQL's own regression tests with the library preloaded and without.
check-core:
	@test/bin/prepare core-regress

# The story of test/demo/ on a private cluster; its reports are left below results/.
demo:
	@test/bin/prepare --fscrypt --results demo

# Ratios measured side by side, and the plot of them in docs/; test/bin/bench
# has the variables that steer it.
bench:
	@test/bin/prepare --packages "postgresql-$${DC_PG_MAJOR:-15}-pgaudit" --results bench

# Ways around the labels, test/attack/.
attack:
	@test/bin/prepare attack

# Random statements against a model of the policy, test/fuzzdiff/; FUZZDIFF holds options.
fuzzdiff:
	@test/bin/prepare fuzzdiff $(FUZZDIFF)

# Static analysis.
lint:
	@test/bin/prepare --packages "cppcheck clang-tidy clang" lint

# Unit tests and fuzz corpora under ASan and UBSan.
sanitize:
	@test/bin/prepare --no-build --packages "clang libclang-rt-dev" sanitize
