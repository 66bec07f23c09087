/*-------------------------------------------------------------------------
 *
 * watch_sql.c
 *		The watch in SQL: a pass now, and what it did so far.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/result_row.h"
#include "pg_dataclass/watch.h"

#define CHECK_COLUMNS	7
#define STATUS_COLUMNS	9

PG_FUNCTION_INFO_V1(dc_check_storage);
PG_FUNCTION_INFO_V1(dc_watch_report);

/*
 * dataclass.check_storage(complete)
 */
Datum
dc_check_storage(PG_FUNCTION_ARGS)
{
	bool		complete = !PG_ARGISNULL(0) && PG_GETARG_BOOL(0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	WatchResult result;
	ListCell   *cell;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	PreventCommandIfReadOnly("dataclass.check_storage()");
	PreventCommandIfParallelMode("dataclass.check_storage()");
	watch_pass(complete || watch_is_dirty(MyDatabaseId), &result);
	foreach(cell, result.changes)
	{
		const WatchChange *change = lfirst(cell);
		Datum		values[CHECK_COLUMNS];
		bool		nulls[CHECK_COLUMNS] = {0};

		row_set_text(values, nulls, 0, change->place);
		row_set_text(values, nulls, 1, change->path);
		row_set_text(values, nulls, 2, change->change);
		row_set_text(values, nulls, 3, change->class);
		row_set_text(values, nulls, 4, change->before);
		row_set_text(values, nulls, 5, change->after);
		values[6] = Int64GetDatum(change->relations);
		nulls[6] = change->relations == 0;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * dataclass.watch_report()
 */
Datum
dc_watch_report(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	WatchStatus *statuses = palloc(sizeof(WatchStatus) * WATCH_MAX_DATABASES);
	int			n = watch_statuses(statuses, WATCH_MAX_DATABASES);

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	for (int i = 0; i < n; i++)
	{
		const WatchStatus *status = &statuses[i];
		char	   *name = get_database_name(status->dbid);
		Datum		values[STATUS_COLUMNS] = {0};
		bool		nulls[STATUS_COLUMNS] = {0};
		bool		never = status->last_pass == 0;

		if (name == NULL)
			continue;
		values[0] = DirectFunctionCall1(namein, CStringGetDatum(name));
		row_set_time(values, nulls, 1, status->last_pass);
		values[2] = Float8GetDatum(status->duration_us / 1000.0);
		values[3] = Int32GetDatum(status->places);
		values[4] = Int32GetDatum(status->changes);
		row_set_time(values, nulls, 5, status->due);
		values[6] = Int64GetDatum(status->passes);
		values[7] = Int32GetDatum(status->failures);
		row_set_time(values, nulls, 8, status->last_complete);
		nulls[2] = nulls[3] = nulls[4] = never;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
