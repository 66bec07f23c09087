/*-------------------------------------------------------------------------
 *
 * report_words.h
 *		What the words of a report mean, for those who do not know the database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_WORDS_H
#define PG_DATACLASS_REPORT_WORDS_H

#include "lib/stringinfo.h"

/* A sentence without its end, NULL: no such rule. */
extern const char *report_rule_meaning(const char *rule);

/* The section that explains the words of both pages. */
extern void page_words(StringInfo out);

#endif							/* PG_DATACLASS_REPORT_WORDS_H */
