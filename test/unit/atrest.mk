# Sources of the unit test of the probes; snprintf and strlcpy come from libpgport.
UNIT_SRC_atrest = src/atrest/atrest_probe.c src/atrest/atrest_mountinfo.c src/atrest/sysfs_walk.c src/atrest/sysfs_attr.c \
	src/atrest/probe_fscrypt.c src/atrest/probe_dmcrypt.c src/atrest/probe_fstype.c
