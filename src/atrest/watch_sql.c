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
#include "pg_dataclass/watch.h"

#define CHECK_COLUMNS	7
#define STATUS_COLUMNS	9

PG_FUNCTION_INFO_V1(dc_check_storage);
PG_FUNCTION_INFO_V1(dc_watch_report);

/* The result of a set-returning function as a tuple store. */
static Tuplestorestate *
begin_result(FunctionCallInfo fcinfo, TupleDesc *desc)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;
	Tuplestorestate *store;

	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		(result->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set"),
				 errhint("Call it in FROM.")));
	old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	store = tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0,
								  false, work_mem);
	result->returnMode = SFRM_Materialize;
	result->setResult = store;
	result->setDesc = *desc;
	MemoryContextSwitchTo(old);
	return store;
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = (text == NULL);
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static void
set_time(Datum *values, bool *nulls, int column, TimestampTz time)
{
	nulls[column] = time == 0;
	values[column] = TimestampTzGetDatum(time);
}

/*
 * dataclass.check_storage(complete)
 */
Datum
dc_check_storage(PG_FUNCTION_ARGS)
{
	bool		complete = !PG_ARGISNULL(0) && PG_GETARG_BOOL(0);
	TupleDesc	desc;
	Tuplestorestate *store = begin_result(fcinfo, &desc);
	WatchResult result;
	ListCell   *cell;

	PreventCommandIfReadOnly("dataclass.check_storage()");
	PreventCommandIfParallelMode("dataclass.check_storage()");
	watch_pass(complete || watch_is_dirty(MyDatabaseId), &result);
	foreach(cell, result.changes)
	{
		const WatchChange *change = lfirst(cell);
		Datum		values[CHECK_COLUMNS];
		bool		nulls[CHECK_COLUMNS] = {0};

		set_text(values, nulls, 0, change->place);
		set_text(values, nulls, 1, change->path);
		set_text(values, nulls, 2, change->change);
		set_text(values, nulls, 3, change->class);
		set_text(values, nulls, 4, change->before);
		set_text(values, nulls, 5, change->after);
		values[6] = Int64GetDatum(change->relations);
		nulls[6] = change->relations == 0;
		tuplestore_putvalues(store, desc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * dataclass.watch_report()
 */
Datum
dc_watch_report(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Tuplestorestate *store = begin_result(fcinfo, &desc);
	WatchStatus *statuses = palloc(sizeof(WatchStatus) * WATCH_MAX_DATABASES);
	int			n = watch_statuses(statuses, WATCH_MAX_DATABASES);

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
		set_time(values, nulls, 1, status->last_pass);
		values[2] = Float8GetDatum(status->duration_us / 1000.0);
		values[3] = Int32GetDatum(status->places);
		values[4] = Int32GetDatum(status->changes);
		set_time(values, nulls, 5, status->due);
		values[6] = Int64GetDatum(status->passes);
		values[7] = Int32GetDatum(status->failures);
		set_time(values, nulls, 8, status->last_complete);
		nulls[2] = nulls[3] = nulls[4] = never;
		tuplestore_putvalues(store, desc, values, nulls);
	}
	return (Datum) 0;
}
