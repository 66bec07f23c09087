# Sources of the unit tests of the probes; snprintf and strlcpy come from libpgport.
UNIT_PROBES := src/atrest/atrest_probe.c src/atrest/atrest_mountinfo.c src/atrest/sysfs_walk.c \
	src/atrest/sysfs_attr.c src/atrest/probe_fscrypt.c src/atrest/probe_dmcrypt.c \
	src/atrest/probe_fstype.c src/atrest/probe_swap.c

UNIT_SRC_atrest        := $(UNIT_PROBES)
UNIT_SRC_atrest_mounts := $(UNIT_PROBES)
UNIT_SRC_atrest_swap   := $(UNIT_PROBES)
UNIT_SRC_place_parse   := src/atrest/place_proc.c src/atrest/place_archive.c
