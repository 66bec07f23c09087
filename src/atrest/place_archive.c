/*-------------------------------------------------------------------------
 *
 * place_archive.c
 *		Where does an archive_command put a segment?  Pure.
 *
 * Understands what people usually write: tests and programs without effect on
 * the destination, joined by "&&", and one program that copies %p to a local
 * path, or one that writes to its standard output, redirected there.  Quotes
 * are read as the shell does; whatever else has a meaning to the shell, any
 * program or option that is not known and any second copy makes the
 * destination unknown.  Never guesses: a wrong "here" would hide a copy.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/place_parse.h"

#define MAX_WORDS		32
#define MAX_COMMAND		4096

typedef enum TokenKind
{
	TOKEN_WORD,
	TOKEN_AND,					/* && */
	TOKEN_IN,					/* < */
	TOKEN_OUT,					/* > */
	TOKEN_END,
	TOKEN_BAD
} TokenKind;

/* What the shell makes of a command, before it runs the parts. */
typedef struct Scanner
{
	const char *pos;
	char	   *free;			/* next byte for words */
	char		words[MAX_COMMAND];
} Scanner;

/* One simple command. */
typedef struct Simple
{
	int			nwords;
	const char *words[MAX_WORDS];
	const char *input;			/* NULL: not redirected */
	const char *output;
} Simple;

static const char *const why_shell =
"It uses more of the shell than can be followed.";
static const char *const why_program =
"It runs a program whose destination cannot be told.";
static const char *const why_options =
"It uses arguments whose meaning is not known.";
static const char *const why_several =
"It writes more than one copy.";
static const char *const why_path =
"It puts segments into directories that depend on the segment.";
static const char *const why_long =
"It is too long.";

/* A character of a word, as the shell sees it after quotes. */
static bool
put(Scanner *scanner, char c)
{
	if (scanner->free >= scanner->words + sizeof(scanner->words) - 1)
		return false;
	*scanner->free++ = c;
	return true;
}

/* The part between double quotes; *pos is behind the first. */
static bool
scan_double(Scanner *scanner)
{
	for (;;)
	{
		char		c = *scanner->pos;

		if (c == '\0' || c == '$' || c == '`' || c == '\\')
			return false;
		scanner->pos++;
		if (c == '"')
			return true;
		if (!put(scanner, c))
			return false;
	}
}

static bool
scan_single(Scanner *scanner)
{
	for (;;)
	{
		char		c = *scanner->pos;

		if (c == '\0')
			return false;
		scanner->pos++;
		if (c == '\'')
			return true;
		if (!put(scanner, c))
			return false;
	}
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes that stand for themselves outside quotes. */
static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(unsigned char) c >= 0x80 || (c != '\0' && strchr("/._-%+,:@=!][", c) != NULL);
}

static TokenKind
scan_word(Scanner *scanner, const char **word)
{
	*word = scanner->free;
	for (;;)
	{
		char		c = *scanner->pos;
		bool		good = true;

		if (c == '\0' || is_blank(c) || c == '&' || c == '<' || c == '>')
			break;
		scanner->pos++;
		if (c == '\'')
			good = scan_single(scanner);
		else if (c == '"')
			good = scan_double(scanner);
		else if (c == '\\')
		{
			/* A backslash before the end or a newline is no character. */
			good = *scanner->pos != '\0' && *scanner->pos != '\n' && put(scanner, *scanner->pos);
			if (good)
				scanner->pos++;
		}
		else
			good = is_plain(c) && put(scanner, c);
		if (!good)
			return TOKEN_BAD;
	}

	/* Brackets are a pattern unless they are the command "[" and its end. */
	if (!put(scanner, '\0'))
		return TOKEN_BAD;
	if (strpbrk(*word, "[]") != NULL && strcmp(*word, "[") != 0 && strcmp(*word, "]") != 0)
		return TOKEN_BAD;
	return TOKEN_WORD;
}

static TokenKind
next_token(Scanner *scanner, const char **word)
{
	while (is_blank(*scanner->pos))
		scanner->pos++;
	switch (*scanner->pos)
	{
		case '\0':
			return TOKEN_END;
		case '&':
			if (scanner->pos[1] != '&')
				return TOKEN_BAD;
			scanner->pos += 2;
			return TOKEN_AND;
		case '<':
		case '>':
			{
				char		c = *scanner->pos++;

				/* ">>", ">&", "<<" and "<>" are something else. */
				if (strchr("<>&", *scanner->pos) != NULL && *scanner->pos != '\0')
					return TOKEN_BAD;
				return c == '<' ? TOKEN_IN : TOKEN_OUT;
			}
		default:
			return scan_word(scanner, word);
	}
}

static bool
one_of(const char *word, const char *const *names)
{
	for (; *names != NULL; names++)
	{
		if (strcmp(word, *names) == 0)
			return true;
	}
	return false;
}

/* Name of a program that is called by itself or in a usual directory. */
static const char *
program_name(const char *word)
{
	static const char *const directories[] = {"/bin/", "/usr/bin/", "/usr/local/bin/", NULL};

	for (int i = 0; directories[i] != NULL; i++)
	{
		size_t		len = strlen(directories[i]);

		if (strncmp(word, directories[i], len) == 0)
			return word + len;
	}
	return word;
}

/* Options that leave source and destination what they are. */
static bool
harmless_option(const char *program, const char *word)
{
	static const char *const long_options[] = {
		"--archive", "--no-clobber", "--force", "--verbose", "--update", "--preserve", "--quiet",
		"--preserve=all", "--preserve=mode", "--preserve=timestamps", "--remove-destination",
		"--keep", "--stdout", "--ignore-existing", "--whole-file", "--fsync", "--checksum", NULL
	};
	const char *letters = "afinpuvcdq123456789";

	if (strncmp(word, "--", 2) == 0)
		return one_of(word, long_options);
	if (word[0] != '-' || word[1] == '\0')
		return false;

	/* To rsync and install some of these letters mean other things. */
	if (strcmp(program, "rsync") == 0)
		letters = "aptvqWc";
	else if (strcmp(program, "install") == 0)
		letters = "pv";
	for (const char *c = word + 1; *c != '\0'; c++)
	{
		if (strchr(letters, *c) == NULL)
			return false;
	}
	return true;
}

/*
 * Directory of a destination.  Undoes "%%"; only "%f" may stand in the last
 * part, where it is the segment's name.
 */
static ArchiveTarget
destination_directory(const char *word, char *dir, size_t size, const char **why)
{
	size_t		out = 0;
	size_t		slash = 0;
	bool		absolute = (word[0] == '/');
	bool		named = false;

	for (const char *c = word; *c != '\0'; c++)
	{
		char		byte = *c;

		if (byte == '%')
		{
			c++;
			if (*c == 'f')
			{
				named = true;
				continue;
			}
			if (*c != '%')
			{
				*why = why_path;
				return ARCHIVE_UNKNOWN;
			}
		}
		if (named && byte == '/')
		{
			*why = why_path;
			return ARCHIVE_UNKNOWN;
		}
		if (out + 1 >= size)
		{
			*why = why_long;
			return ARCHIVE_UNKNOWN;
		}
		dir[out++] = byte;
		if (byte == '/')
			slash = out;
	}

	/* Without the segment's name it is a directory, or a file that is written anew. */
	if (named)
		out = slash;
	while (out > 1 && dir[out - 1] == '/')
		out--;
	dir[out] = '\0';
	if (out == 0 && !absolute)
		strlcpy(dir, ".", size);
	return ARCHIVE_LOCAL;
}

/* cp, rsync, install, mv and their like: options, %p and the destination. */
static ArchiveTarget
copy_target(const Simple *simple, const char *program, char *dir, size_t size, const char **why)
{
	const char *operands[2];
	int			count = 0;

	for (int i = 1; i < simple->nwords; i++)
	{
		const char *word = simple->words[i];

		if (word[0] == '-')
		{
			if (!harmless_option(program, word))
			{
				*why = why_options;
				return ARCHIVE_UNKNOWN;
			}
			continue;
		}
		if (count == 2)
		{
			*why = why_options;
			return ARCHIVE_UNKNOWN;
		}
		operands[count++] = word;
	}
	if (count != 2 || strcmp(operands[0], "%p") != 0 || operands[1][0] == '\0')
	{
		*why = why_options;
		return ARCHIVE_UNKNOWN;
	}

	/* host:path and host::module are elsewhere. */
	if (strcmp(program, "rsync") == 0 && strchr(operands[1], ':') != NULL)
	{
		*why = "It copies to another host.";
		return ARCHIVE_UNKNOWN;
	}
	return destination_directory(operands[1], dir, size, why);
}

static ArchiveTarget
dd_target(const Simple *simple, char *dir, size_t size, const char **why)
{
	const char *output = NULL;

	for (int i = 1; i < simple->nwords; i++)
	{
		const char *word = simple->words[i];

		if (strncmp(word, "of=", 3) == 0 && output == NULL && word[3] != '\0')
			output = word + 3;
		else if (strcmp(word, "if=%p") != 0 && strncmp(word, "bs=", 3) != 0 &&
				 strcmp(word, "conv=fsync") != 0)
		{
			*why = why_options;
			return ARCHIVE_UNKNOWN;
		}
	}
	if (output == NULL)
	{
		*why = why_options;
		return ARCHIVE_UNKNOWN;
	}
	return destination_directory(output, dir, size, why);
}

/* gzip < %p > file, and the like. */
static ArchiveTarget
filter_target(const Simple *simple, const char *program, char *dir, size_t size, const char **why)
{
	for (int i = 1; i < simple->nwords; i++)
	{
		const char *word = simple->words[i];

		if (strcmp(word, "%p") != 0 && strcmp(word, "-") != 0 && !harmless_option(program, word))
		{
			*why = why_options;
			return ARCHIVE_UNKNOWN;
		}
	}

	/* Without a redirection the result lies beside the segment, or gets lost. */
	if (simple->output == NULL)
	{
		*why = why_options;
		return ARCHIVE_UNKNOWN;
	}
	return destination_directory(simple->output, dir, size, why);
}

/* Where one simple command puts a segment. */
static ArchiveTarget
simple_target(const Simple *simple, char *dir, size_t size, const char **why)
{
	static const char *const idle[] = {"test", "[", "true", ":", "sync", "mkdir", NULL};
	static const char *const copies[] = {"cp", "mv", "rsync", "install", NULL};
	static const char *const filters[] = {
		"cat", "gzip", "pigz", "bzip2", "xz", "lz4", "zstd", NULL
	};
	static const char *const elsewhere[] = {
		"ssh", "scp", "sftp", "rclone", "aws", "gsutil", "az", "s3cmd", "wal-g", "wal-e",
		"envdir", "pgbackrest", "barman-wal-archive", "barman-cloud-wal-archive", "pg_probackup", NULL
	};
	bool		quiet_output = simple->output == NULL || strcmp(simple->output, "/dev/null") == 0;
	bool		negated = simple->nwords > 0 && strcmp(simple->words[0], "!") == 0;
	const char *program;

	if (simple->nwords <= (negated ? 1 : 0))
	{
		*why = why_shell;
		return ARCHIVE_UNKNOWN;
	}
	program = program_name(simple->words[negated ? 1 : 0]);
	if (one_of(program, idle) && quiet_output)
		return ARCHIVE_NOWHERE;
	if (negated)
	{
		*why = why_shell;
		return ARCHIVE_UNKNOWN;
	}
	if (one_of(program, copies) && quiet_output)
		return copy_target(simple, program, dir, size, why);
	if (strcmp(program, "dd") == 0 && quiet_output)
		return dd_target(simple, dir, size, why);
	if (one_of(program, filters))
		return filter_target(simple, program, dir, size, why);
	*why = one_of(program, elsewhere) ?
		"It hands segments to a program that keeps them where the server cannot see." : why_program;
	return ARCHIVE_UNKNOWN;
}

/* Read up to "&&" or the end; false: not understood. */
static bool
read_simple(Scanner *scanner, Simple *simple, bool *more)
{
	memset(simple, 0, sizeof(*simple));
	for (;;)
	{
		const char *word = NULL;
		TokenKind	kind = next_token(scanner, &word);

		switch (kind)
		{
			case TOKEN_BAD:
				return false;
			case TOKEN_END:
			case TOKEN_AND:
				*more = (kind == TOKEN_AND);
				return true;
			case TOKEN_WORD:
				if (simple->nwords == MAX_WORDS)
					return false;
				simple->words[simple->nwords++] = word;
				break;
			case TOKEN_IN:
			case TOKEN_OUT:
				{
					const char **side = (kind == TOKEN_IN) ? &simple->input : &simple->output;

					if (*side != NULL || next_token(scanner, side) != TOKEN_WORD)
						return false;
					break;
				}
		}
	}
}

/*
 * archive_command_target
 */
ArchiveTarget
archive_command_target(const char *command, char *dir, size_t size, const char **why)
{
	Scanner		scanner;
	ArchiveTarget result = ARCHIVE_NOWHERE;
	bool		more = true;

	*why = "";
	dir[0] = '\0';
	if (strlen(command) >= MAX_COMMAND / 2)
	{
		*why = why_long;
		return ARCHIVE_UNKNOWN;
	}
	scanner.pos = command;
	scanner.free = scanner.words;
	if (command[strspn(command, " \t")] == '\0')
		return ARCHIVE_NOWHERE;
	while (more)
	{
		Simple		simple;
		char		target[PLACE_PARSE_PATH];

		if (!read_simple(&scanner, &simple, &more))
		{
			*why = why_shell;
			dir[0] = '\0';
			return ARCHIVE_UNKNOWN;
		}
		switch (simple_target(&simple, target, sizeof(target), why))
		{
			case ARCHIVE_NOWHERE:
				break;
			case ARCHIVE_UNKNOWN:
				dir[0] = '\0';
				return ARCHIVE_UNKNOWN;
			case ARCHIVE_LOCAL:
				if (result == ARCHIVE_LOCAL || strlen(target) >= size)
				{
					*why = why_several;
					dir[0] = '\0';
					return ARCHIVE_UNKNOWN;
				}
				strlcpy(dir, target, size);
				result = ARCHIVE_LOCAL;
				break;
		}
	}
	return result;
}
