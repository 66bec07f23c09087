/*-------------------------------------------------------------------------
 *
 * place_proc.c
 *		Parsers of /proc/swaps and /proc/sys/kernel/core_pattern.  Pure.
 *
 * Both texts come from the kernel, with names in them that others chose, and
 * in containers from whoever made the file system.  A line that the kernel
 * would not write spoils the whole table: it might hide the area that matters.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/place_parse.h"

#define CORE_PATTERN_MAX	128		/* CORENAME_MAX_SIZE of the kernel */

static bool
is_gap(char c)
{
	return c == ' ' || c == '\t';
}

/* Take the next word of [*pos, end); false when the line is used up. */
static bool
next_word(const char **pos, const char *end, const char **word, size_t *len)
{
	while (*pos < end && is_gap(**pos))
		(*pos)++;
	*word = *pos;
	while (*pos < end && !is_gap(**pos))
		(*pos)++;
	*len = *pos - *word;
	return *len > 0;
}

static bool
word_is(const char *word, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(word, text, len) == 0;
}

/* An optional sign and digits, as many as a 64-bit number has at most. */
static bool
is_number(const char *word, size_t len, bool may_be_negative)
{
	if (may_be_negative && len > 1 && word[0] == '-')
	{
		word++;
		len--;
	}
	if (len == 0 || len > 20)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (word[i] < '0' || word[i] > '9')
			return false;
	}
	return true;
}

/* Undo the kernel's \ooo escapes. */
static bool
unescape_name(const char *word, size_t len, char *dst, size_t size)
{
	size_t		out = 0;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = word[i];

		if (c == '\\')
		{
			unsigned int value = 0;

			if (len - i < 4)
				return false;
			for (int digit = 1; digit <= 3; digit++)
			{
				if (word[i + digit] < '0' || word[i + digit] > '7')
					return false;
				value = value * 8 + (word[i + digit] - '0');
			}
			if (value == 0 || value > 255)
				return false;
			c = (unsigned char) value;
			i += 3;
		}
		if (out + 1 >= size)
			return false;
		dst[out++] = (char) c;
	}
	dst[out] = '\0';
	return dst[0] == '/';
}

static bool
is_header(const char *line, const char *end)
{
	static const char *const titles[] = {"Filename", "Type", "Size", "Used", "Priority"};
	const char *word;
	size_t		len;

	for (int i = 0; i < lengthof(titles); i++)
	{
		if (!next_word(&line, end, &word, &len) || !word_is(word, len, titles[i]))
			return false;
	}
	return !next_word(&line, end, &word, &len);
}

/* One line after the header: name, type, size, used, priority. */
static bool
parse_area(const char *line, const char *end, SwapArea *area)
{
	const char *word;
	size_t		len;

	if (!next_word(&line, end, &word, &len) ||
		!unescape_name(word, len, area->name, sizeof(area->name)) ||
		!next_word(&line, end, &word, &len))
		return false;
	if (word_is(word, len, "file"))
		area->is_file = true;
	else if (word_is(word, len, "partition"))
		area->is_file = false;
	else
		return false;
	return next_word(&line, end, &word, &len) && is_number(word, len, false) &&
		next_word(&line, end, &word, &len) && is_number(word, len, false) &&
		next_word(&line, end, &word, &len) && is_number(word, len, true) &&
		!next_word(&line, end, &word, &len);
}

/*
 * swaps_next
 */
SwapLookup
swaps_next(const char *text, size_t len, size_t *pos, SwapArea *area)
{
	memset(area, 0, sizeof(*area));
	for (;;)
	{
		const char *line = text + *pos;
		const char *newline;
		bool		header = (*pos == 0);

		if (*pos >= len)
			return header ? SWAP_MALFORMED : SWAP_END;
		newline = memchr(line, '\n', len - *pos);
		if (newline == NULL || memchr(line, '\0', newline - line) != NULL)
			return SWAP_MALFORMED;
		*pos = newline + 1 - text;
		if (!header)
			return parse_area(line, newline, area) ? SWAP_AREA : SWAP_MALFORMED;
		if (!is_header(line, newline))
			return SWAP_MALFORMED;
	}
}

/*
 * core_pattern_target
 *
 * The kernel hands a core to a program where the text begins with a bar, to a
 * socket where it begins with "@"; else it is a file name in which "%" stands
 * for facts of the process.
 */
CoreTarget
core_pattern_target(const char *text, size_t len, char *dir, size_t size)
{
	size_t		slash;

	dir[0] = '\0';
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len >= CORE_PATTERN_MAX)
		return CORE_UNKNOWN;
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f)
			return CORE_UNKNOWN;
	}
	if (len > 0 && (text[0] == '|' || text[0] == '@'))
		return CORE_PROGRAM;

	for (slash = len; slash > 0 && text[slash - 1] != '/'; slash--)
		;
	if (slash == 0)
		return CORE_DIRECTORY;
	if (memchr(text, '%', slash) != NULL || slash >= size)
		return CORE_UNKNOWN;

	/* "/" itself keeps its slash. */
	if (slash > 1)
		slash--;
	memcpy(dir, text, slash);
	dir[slash] = '\0';
	return CORE_DIRECTORY;
}
