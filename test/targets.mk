# Targets beyond the PGXS build.
