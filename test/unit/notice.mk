# Sources of the unit test of the breach command's placeholders.
UNIT_SRC_notice_expand = src/audit/notice_expand.c
