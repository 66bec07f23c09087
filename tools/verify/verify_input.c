/*-------------------------------------------------------------------------
 *
 * verify_input.c
 *		Lines of files of any length, in memory of one size; small files whole.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"

bool
input_open(LineInput *input, const char *name)
{
	bool		standard = name == NULL || strcmp(name, "-") == 0;

	input->name = standard ? "standard input" : name;
	input->file = standard ? stdin : fopen(name, "rb");
	input->at = input->end = 0;
	return input->file != NULL;
}

void
input_close(LineInput *input)
{
	if (input->file != NULL && input->file != stdin)
		fclose(input->file);
	input->file = NULL;
}

LineResult
input_line(LineInput *input, const char **line, size_t *len)
{
	for (;;)
	{
		char	   *start = input->buffer + input->at;
		size_t		have = input->end - input->at;
		char	   *newline = memchr(start, '\n', have);
		size_t		n;

		if (newline != NULL)
		{
			*line = start;
			*len = (size_t) (newline - start);
			input->at += *len + 1;
			return LINE_READ;
		}
		if (have > TRAIL_LINE_MAX)
			return LINE_TOO_LONG;
		memmove(input->buffer, start, have);
		input->at = 0;
		input->end = have;
		n = fread(input->buffer + have, 1, sizeof(input->buffer) - have, input->file);
		if (n == 0)
		{
			if (ferror(input->file))
				return LINE_FAILED;
			return have > 0 ? LINE_BROKEN_OFF : LINE_END;
		}
		input->end += n;
	}
}

char *
input_file(const char *name, size_t *len)
{
	bool		standard = strcmp(name, "-") == 0;
	FILE	   *file = standard ? stdin : fopen(name, "rb");
	char	   *text;

	if (file == NULL)
	{
		report_trouble(name, strerror(errno));
		return NULL;
	}
	text = malloc(NOTE_MAX + 1);
	if (text != NULL)
		*len = fread(text, 1, NOTE_MAX + 1, file);
	if (text == NULL || ferror(file) || *len > NOTE_MAX)
	{
		report_trouble(name, text != NULL && !ferror(file) ? "the file is too long" : strerror(errno));
		free(text);
		text = NULL;
	}
	else
	{
		/* psql prints a newline behind a value that ends with one */
		if (*len > 1 && text[*len - 1] == '\n' && text[*len - 2] == '\n')
			(*len)--;
		text[*len] = '\0';
	}
	if (!standard)
		fclose(file);
	return text;
}
