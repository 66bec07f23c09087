/*-------------------------------------------------------------------------
 *
 * officer_only.c
 *		Functions of the at-rest part that are for officers: others are
 *		refused, and that is recorded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/officer_only.h"
#include "pg_dataclass/report.h"

void
officer_only(const char *function, const char *detail)
{
	report_unless_officer(function, psprintf("permission denied for function %s", function), detail);
}
