/*-------------------------------------------------------------------------
 *
 * report_sink.h
 *		A sink into a fixed buffer, for tests of the reports.
 *
 *-------------------------------------------------------------------------
 */
#ifndef REPORT_SINK_H
#define REPORT_SINK_H

#include <string.h>

#include "pg_dataclass/report_escape.h"

typedef struct TestBuffer
{
	char		data[65536];
	size_t		len;
} TestBuffer;

static void
test_put(void *arg, const char *data, size_t len)
{
	TestBuffer *buffer = arg;

	if (len > sizeof(buffer->data) - 1 - buffer->len)
		len = sizeof(buffer->data) - 1 - buffer->len;
	memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	buffer->data[buffer->len] = '\0';
}

/* Empties the buffer. */
__attribute__((unused))
static ReportSink
test_sink(TestBuffer *buffer)
{
	ReportSink	sink = {test_put, buffer};

	buffer->len = 0;
	buffer->data[0] = '\0';
	return sink;
}

#endif							/* REPORT_SINK_H */
