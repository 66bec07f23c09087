# Sources of the unit test of networks; strlcpy comes from libpgport.
UNIT_SRC_network = src/policy/network_list.c
