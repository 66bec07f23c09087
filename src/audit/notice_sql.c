/*-------------------------------------------------------------------------
 *
 * notice_sql.c
 *		What waits to be told, for monitoring.
 *
 * Reads the tables as they are, whether or not a worker runs; privileges on the
 * function are all that is asked for, so that pg_monitor needs none on them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/notice.h"

#define REPORT_COLUMNS	10

PG_FUNCTION_INFO_V1(dc_notice_report);

static void
report_row(Tuplestorestate *store, TupleDesc desc, NoticeChannel channel, const NoticeSummary *report)
{
	int			pid = notice_worker_pid(MyDatabaseId);
	Datum		values[REPORT_COLUMNS] = {0};
	bool		nulls[REPORT_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(notice_channel_name(channel));
	values[1] = BoolGetDatum(channel == NOTICE_NOTIFY || notice_command_configured());
	values[2] = Int64GetDatum(report->pending);
	values[3] = Int64GetDatum(report->oldest);
	nulls[3] = nulls[4] = report->pending == 0;
	values[4] = TimestampTzGetDatum(report->oldest_at);
	values[5] = Int64GetDatum(report->failing);
	nulls[6] = report->last_error == NULL;
	values[6] = report->last_error ? CStringGetTextDatum(report->last_error) : (Datum) 0;
	nulls[7] = report->last_error_at == 0;
	values[7] = TimestampTzGetDatum(report->last_error_at);
	nulls[8] = report->last_delivered_at == 0;
	values[8] = TimestampTzGetDatum(report->last_delivered_at);
	values[9] = Int32GetDatum(pid);
	nulls[9] = pid == 0;
	tuplestore_putvalues(store, desc, values, nulls);
}

/*
 * dataclass_audit.notice_report()
 */
Datum
dc_notice_report(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	for (int i = 0; i < NOTICE_CHANNELS; i++)
	{
		NoticeSummary summary;

		notice_outbox_summary(i, &summary);
		report_row(result->setResult, result->setDesc, i, &summary);
	}
	return (Datum) 0;
}
