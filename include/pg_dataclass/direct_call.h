/*-------------------------------------------------------------------------
 *
 * direct_call.h
 *		Functions that only the client's own statement may call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_DIRECT_CALL_H
#define PG_DATACLASS_DIRECT_CALL_H

#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "parser/parse_node.h"

struct QueryDesc;

/* The query whose plan the executor is running now, the innermost one; kept by the executor's hook. */
extern struct QueryDesc *direct_call_running;

/* After parse analysis: marks calls in a SELECT that the client itself sent.  May raise. */
extern void direct_call_mark(const ParseState *pstate, Query *query);

/*
 * Records and raises, in every mode of enforcement, unless this call stands in
 * the statement that the client sent.  function: qualified name; example: the
 * statement to send instead.
 */
extern void direct_call_only(FunctionCallInfo fcinfo, const char *function, const char *example);

#endif							/* PG_DATACLASS_DIRECT_CALL_H */
