# Unit tests of the pure modules of the reports.
UNIT_SRC_report_escape = src/report/report_escape.c
UNIT_SRC_report_svg    = src/report/report_svg.c src/report/report_escape.c
