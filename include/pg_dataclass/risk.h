/*-------------------------------------------------------------------------
 *
 * risk.h
 *		Rows of dataclass.accepted_risk, for the watch.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_RISK_H
#define PG_DATACLASS_RISK_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/*
 * Remove risks whose time is over or whose relation is gone; oids of those
 * relations.  *next becomes the time when the first of the others ends, 0: none.
 */
extern List *risk_remove_ended(TimestampTz *next);

#endif							/* PG_DATACLASS_RISK_H */
