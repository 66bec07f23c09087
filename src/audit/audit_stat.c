/*-------------------------------------------------------------------------
 *
 * audit_stat.c
 *		The views pg_stat_dataclass and pg_stat_dataclass_denials.
 *
 * Puts the counters of stat_counter.c beside what the queue and the journals
 * look like now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/stat.h"

PG_FUNCTION_INFO_V1(dc_stat_activity);
PG_FUNCTION_INFO_V1(dc_stat_denials);
PG_FUNCTION_INFO_V1(dc_stat_reset);

/* Columns of dataclass.stat_counters(). */
enum
{
	STAT_COL_DATID,
	STAT_COL_DECISIONS,
	STAT_COL_ROW_DECISIONS,
	STAT_COL_DENIALS,
	STAT_COL_PERMITTED,
	STAT_COL_EVENTS,
	STAT_COL_WAITS,
	STAT_COL_WAIT_TIME,
	STAT_COL_JOURNALED,
	STAT_COL_JOURNAL_WRITTEN,
	STAT_COL_UNRECORDED,
	STAT_COL_RECORDS,
	STAT_COL_COMMITS,
	STAT_COL_MEAN_LAG,
	STAT_COL_LAST_LAG,
	STAT_COL_WRITER_PID,
	STAT_COL_QUEUE_DEPTH,
	STAT_COL_QUEUE_SIZE,
	STAT_COL_JOURNAL_FILES,
	STAT_COL_JOURNAL_BYTES,
	STAT_COL_RESET,
	STAT_COL_COUNT
};

static double
milliseconds(uint64 microseconds)
{
	return (double) microseconds / 1000.0;
}

static void
add_counters(ReturnSetInfo *result, Oid dbid)
{
	Datum		values[STAT_COL_COUNT];
	bool		nulls[STAT_COL_COUNT] = {false};
	StatCounts	c;
	TimestampTz reset_at;
	AuditQueueStatus queue;
	int32		files;
	int64		bytes;

	if (!stat_read(dbid, &c, &reset_at))
		return;
	audit_queue_status(dbid, &queue);
	audit_journal_measure(dbid, &files, &bytes);
	values[STAT_COL_DATID] = ObjectIdGetDatum(dbid);
	values[STAT_COL_DECISIONS] = Int64GetDatum(c.counter[STAT_DECISIONS]);
	values[STAT_COL_ROW_DECISIONS] = Int64GetDatum(c.counter[STAT_ROW_DECISIONS]);
	values[STAT_COL_DENIALS] = Int64GetDatum(c.counter[STAT_DENIALS]);
	values[STAT_COL_PERMITTED] = Int64GetDatum(c.counter[STAT_PERMITTED]);
	values[STAT_COL_EVENTS] = Int64GetDatum(c.counter[STAT_EVENTS]);
	values[STAT_COL_WAITS] = Int64GetDatum(c.counter[STAT_WAITS]);
	values[STAT_COL_WAIT_TIME] = Float8GetDatum(milliseconds(c.counter[STAT_WAIT_TIME]));
	values[STAT_COL_JOURNALED] = Int64GetDatum(c.counter[STAT_JOURNALED]);
	values[STAT_COL_JOURNAL_WRITTEN] = Int64GetDatum(c.counter[STAT_JOURNAL_BYTES]);
	values[STAT_COL_UNRECORDED] = Int64GetDatum(c.counter[STAT_UNRECORDED]);
	values[STAT_COL_RECORDS] = Int64GetDatum(c.counter[STAT_RECORDS]);
	values[STAT_COL_COMMITS] = Int64GetDatum(c.counter[STAT_COMMITS]);
	values[STAT_COL_MEAN_LAG] = Float8GetDatum(milliseconds(c.counter[STAT_LAG]) / Max(c.counter[STAT_RECORDS], 1));
	values[STAT_COL_LAST_LAG] = Float8GetDatum(milliseconds(c.counter[STAT_LAST_LAG]));
	values[STAT_COL_WRITER_PID] = Int32GetDatum(queue.writer_pid);
	nulls[STAT_COL_WRITER_PID] = queue.writer_pid == 0;
	values[STAT_COL_QUEUE_DEPTH] = Int32GetDatum(queue.queued);
	values[STAT_COL_QUEUE_SIZE] = Int32GetDatum(guc_audit_queue_size);
	values[STAT_COL_JOURNAL_FILES] = Int32GetDatum(files);
	values[STAT_COL_JOURNAL_BYTES] = Int64GetDatum(bytes);
	values[STAT_COL_RESET] = TimestampTzGetDatum(reset_at);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
dc_stat_activity(PG_FUNCTION_ARGS)
{
	Oid		   *dbids;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	stat_add(STAT_DECISIONS, 0);	/* this database has a row, if only of zeros */
	n = stat_databases(&dbids);
	for (int i = 0; i < n; i++)
		add_counters((ReturnSetInfo *) fcinfo->resultinfo, dbids[i]);
	return (Datum) 0;
}

static void
add_denials(ReturnSetInfo *result, Oid dbid)
{
	StatCounts	c;
	TimestampTz reset_at;

	if (!stat_read(dbid, &c, &reset_at))
		return;
	for (int i = 0; stat_rule_name(i) != NULL; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {false};

		if (c.denied[i] == 0 && c.permitted[i] == 0)
			continue;
		values[0] = ObjectIdGetDatum(dbid);
		values[1] = CStringGetTextDatum(stat_rule_name(i));
		values[2] = Int64GetDatum(c.denied[i]);
		values[3] = Int64GetDatum(c.permitted[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

Datum
dc_stat_denials(PG_FUNCTION_ARGS)
{
	Oid		   *dbids;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	n = stat_databases(&dbids);
	for (int i = 0; i < n; i++)
		add_denials((ReturnSetInfo *) fcinfo->resultinfo, dbids[i]);
	return (Datum) 0;
}

Datum
dc_stat_reset(PG_FUNCTION_ARGS)
{
	stat_reset(MyDatabaseId);
	PG_RETURN_VOID();
}
