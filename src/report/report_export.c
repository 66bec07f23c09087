/*-------------------------------------------------------------------------
 *
 * report_export.c
 *		dataclass_audit.export_events(): records for other systems, line by line.
 *
 * A cursor is kept open from call to call, so that a select list or COPY gets
 * line after line, whatever the trail holds.  It is closed when the caller
 * stops early; an abort closes it with the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/report_event.h"

#define EXPORT_BATCH	500

PG_FUNCTION_INFO_V1(dc_export_events);
extern PGDLLEXPORT Datum dc_export_events(PG_FUNCTION_ARGS);

typedef void (*FormatEvent) (StringInfo out, const ReportEvent *event, const ReportSource *source);

typedef struct Export
{
	FormatEvent format;
	ReportSource source;
	char	   *cursor;
	MemoryContext batch;		/* lines not returned yet */
	text	  **lines;
	uint64		n;
	uint64		next;
} Export;

static FormatEvent
format_by_name(FunctionCallInfo fcinfo)
{
	char	   *name = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));

	if (name && strcmp(name, "ocsf") == 0)
		return report_ocsf_event;
	if (name && strcmp(name, "cef") == 0)
		return report_cef_event;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 name ? errmsg("there is no export format \"%s\"", name) : errmsg("format of the export is missing"),
			 errhint("The formats are 'ocsf' and 'cef'.")));
}

static void
close_cursor(Datum arg)
{
	Export	   *export = (Export *) DatumGetPointer(arg);
	Portal		portal = SPI_cursor_find(export->cursor);

	if (portal)
		SPI_cursor_close(portal);
}

static void
open_cursor(Export *export, FunctionCallInfo fcinfo, MemoryContext context)
{
	Oid			types[2] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	char		nulls[3] = "  ";
	char	   *query;
	Portal		portal;

	for (int i = 0; i < 2; i++)
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	SPI_connect();
	report_source_read(&export->source, context);
	query = psprintf("SELECT %s FROM ONLY dataclass_audit.event e"
					 " WHERE ($1 IS NULL OR e.\"time\" OPERATOR(pg_catalog.>=) $1)"
					 " AND ($2 IS NULL OR e.\"time\" OPERATOR(pg_catalog.<) $2) ORDER BY e.seq", report_event_columns());
	portal = SPI_cursor_open_with_args(NULL, query, 2, types, values, nulls, true, CURSOR_OPT_NO_SCROLL);
	export->cursor = MemoryContextStrdup(context, portal->name);
	SPI_finish();
}

/* One after another into memory that the next batch takes over. */
static void
fetch_batch(Export *export)
{
	Portal		portal;
	StringInfoData line;

	MemoryContextReset(export->batch);
	export->n = 0;
	export->next = 0;
	SPI_connect();
	portal = SPI_cursor_find(export->cursor);
	if (portal == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cursor of the export was closed"),
				 errhint("Export the events again, and close no cursors meanwhile.")));
	SPI_cursor_fetch(portal, true, EXPORT_BATCH);
	initStringInfo(&line);
	export->lines = MemoryContextAlloc(export->batch, sizeof(text *) * Max(SPI_processed, 1));
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		ReportEvent event;
		MemoryContext old;

		report_event_read(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, &event);
		resetStringInfo(&line);
		export->format(&line, &event, &export->source);
		old = MemoryContextSwitchTo(export->batch);
		export->lines[export->n++] = cstring_to_text_with_len(line.data, line.len);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

static void
start(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *set = (ReturnSetInfo *) fcinfo->resultinfo;
	FuncCallContext *call = SRF_FIRSTCALL_INIT();
	MemoryContext context = call->multi_call_memory_ctx;
	Export	   *export = MemoryContextAllocZero(context, sizeof(Export));

	export->format = format_by_name(fcinfo);
	export->batch = AllocSetContextCreate(context, "dataclass export", ALLOCSET_DEFAULT_SIZES);
	open_cursor(export, fcinfo, context);
	RegisterExprContextCallback(set->econtext, close_cursor, PointerGetDatum(export));
	call->user_fctx = export;
}

Datum
dc_export_events(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	Export	   *export;

	if (SRF_IS_FIRSTCALL())
		start(fcinfo);
	call = SRF_PERCALL_SETUP();
	export = call->user_fctx;
	if (export->next == export->n)
		fetch_batch(export);
	if (export->next < export->n)
		SRF_RETURN_NEXT(call, PointerGetDatum(export->lines[export->next++]));

	UnregisterExprContextCallback(((ReturnSetInfo *) fcinfo->resultinfo)->econtext, close_cursor, PointerGetDatum(export));
	close_cursor(PointerGetDatum(export));
	SRF_RETURN_DONE(call);
}
