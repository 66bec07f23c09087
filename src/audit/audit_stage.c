/*-------------------------------------------------------------------------
 *
 * audit_stage.c
 *		What follows the records of one transaction of the writer.
 *
 * Owns the list of stages and their order.  See WriterStage in audit_writer.h
 * for what a stage may do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_writer.h"
#include "pg_dataclass/incident_internal.h"

static const WriterStage *const stages[] = {
	&incident_stage,
	NULL
};

/*
 * stage_in_transaction
 */
void
stage_in_transaction(TrailBatch *batch)
{
	List	   *records = list_copy(trail_inserted(batch));

	if (records == NIL)
		return;
	for (int i = 0; stages[i] != NULL; i++)
	{
		if (stages[i]->in_transaction)
			stages[i]->in_transaction(batch, records);
	}
}

/*
 * stage_after_commit
 */
void
stage_after_commit(const TrailHead *head)
{
	for (int i = 0; stages[i] != NULL; i++)
	{
		if (stages[i]->after_commit)
			stages[i]->after_commit(head);
	}
}

/*
 * stage_tick
 */
long
stage_tick(TimestampTz now)
{
	long		next = -1;

	for (int i = 0; stages[i] != NULL; i++)
	{
		long		wish = stages[i]->tick ? stages[i]->tick(now) : -1;

		if (wish >= 0 && (next < 0 || wish < next))
			next = wish;
	}
	return next;
}
