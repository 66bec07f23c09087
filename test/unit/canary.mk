# Sources of the unit tests of the canary's search and of the formats of personal data.
UNIT_SRC_canary = src/atrest/canary_search.c
UNIT_SRC_unlabelled = src/atrest/unlabelled_format.c src/atrest/unlabelled_name.c
