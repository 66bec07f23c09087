/*-------------------------------------------------------------------------
 *
 * label_parse.c
 *		From text to labels: the grammar of label.h by recursive descent.
 *
 * The input may come from anybody: it need not end in a NUL, may hold any
 * byte, and may be long.  Names are copied into a scratch buffer as large as a
 * label may be, lower case, so limits hold for the label as written (without
 * white space), before clauses are absorbed: what is accepted does not depend
 * on what its parts happen to imply.
 *
 * Pure: allocates nothing, raises nothing, has no state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/label_draft.h"

static const char *const hint_plain =
"Write a class and compartments, as in \"confidential:health,audit\".";
static const char *const hint_column =
"Write a label, or a label and mask, as in \"secret mask\".";
static const char *const hint_mask =
"Masks are mask, mask constant('text'), mask partial(2, '***', 2) and mask hash.";
static const char *const hint_role =
"Write a label or a range, as in \"public..secret:health with (declassify)\".";
static const char *const hint_function =
"Write trusted and a label, as in \"trusted secret:health\".";
static const char *const hint_name =
"Names begin with a letter and go on with letters, digits, \"_\" and \"-\".";
static const char *const hint_privilege =
"Privileges are break_glass, declassify, reclassify and export.";
static const char *const hint_limit =
"Use fewer compartments, or a common ancestor in place of many of them.";

typedef struct LabelScanner
{
	const char *text;
	size_t		len;
	size_t		pos;			/* <= len */
	const char *hint;			/* for what the caller asked for */
	LabelError *error;
} LabelScanner;

/* One label being read: its names as written, without white space. */
typedef struct LabelReader
{
	LabelDraft	draft;
	size_t		used;			/* bytes of scratch */
	size_t		written;		/* bytes the label has as written, with separators */
	char		scratch[LABEL_MAX_TEXT];
} LabelReader;

static bool
scan_fail(LabelScanner *s, LabelErrorCode code, size_t pos, const char *message, const char *hint)
{
	s->error->code = code;
	s->error->position = pos < PG_INT32_MAX ? (int) pos + 1 : PG_INT32_MAX;
	s->error->message = message;
	s->error->hint = hint;
	return false;
}

/* Something else was expected here: bytes that can never be right come first. */
static bool
scan_unexpected(LabelScanner *s, const char *message, const char *hint)
{
	if (s->pos < s->len)
	{
		unsigned char c = (unsigned char) s->text[s->pos];

		if (c == '\0')
			message = "label contains a zero byte";
		else if (c >= 0x80)
			message = "label contains a character that is not ASCII";
	}
	return scan_fail(s, LABEL_ERROR_SYNTAX, s->pos, message, hint);
}

/* ctype.h would ask the locale. */
static char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_letter(char c)
{
	return fold(c) >= 'a' && fold(c) <= 'z';
}

static bool
is_name_byte(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static void
skip_space(LabelScanner *s)
{
	while (s->pos < s->len && is_space(s->text[s->pos]))
		s->pos++;
}

/* Is this byte next, white space aside? */
static bool
next_is(LabelScanner *s, char c)
{
	skip_space(s);
	return s->pos < s->len && s->text[s->pos] == c;
}

static bool
accept_byte(LabelScanner *s, char c)
{
	if (!next_is(s, c))
		return false;
	s->pos++;
	return true;
}

static bool
next_is_range(LabelScanner *s)
{
	return next_is(s, '.') && s->len - s->pos >= 2 && s->text[s->pos + 1] == '.';
}

/* A keyword must be a whole word: "secretmask" is a name. */
static bool
accept_keyword(LabelScanner *s, const char *keyword)
{
	size_t		n = strlen(keyword);

	skip_space(s);
	if (s->len - s->pos < n)
		return false;
	for (size_t i = 0; i < n; i++)
	{
		if (fold(s->text[s->pos + i]) != keyword[i])
			return false;
	}
	if (s->len - s->pos > n && is_name_byte(s->text[s->pos + n]))
		return false;
	s->pos += n;
	return true;
}

/*
 * Append one name to the scratch buffer, counting the separator before it
 * (if any) towards the length of the label.
 */
static bool
read_name(LabelScanner *s, LabelReader *r, bool separated, const char *missing)
{
	size_t		start;
	size_t		n;

	skip_space(s);
	start = s->pos;
	if (start == s->len || !is_letter(s->text[start]))
		return scan_unexpected(s, missing,
							   start < s->len && is_name_byte(s->text[start]) ? hint_name : s->hint);
	while (s->pos < s->len && is_name_byte(s->text[s->pos]))
		s->pos++;
	n = s->pos - start;
	if (n > LABEL_MAX_NAME)
		return scan_fail(s, LABEL_ERROR_LIMIT, start, "name is too long",
						 "A name has at most 63 bytes.");
	r->written += n + separated;
	if (r->written >= LABEL_MAX_TEXT)
		return scan_fail(s, LABEL_ERROR_LIMIT, start, "label is too long", hint_limit);

	/* scratch holds no more than what was counted as written */
	for (size_t i = 0; i < n; i++)
		r->scratch[r->used++] = fold(s->text[start + i]);
	return true;
}

/* name { '.' name }, taken as one name with its dots; ".." ends it. */
static bool
read_compartment(LabelScanner *s, LabelReader *r)
{
	LabelDraft *draft = &r->draft;
	int			n = draft->clause_start[draft->nclauses];
	size_t		start = r->used;

	skip_space(s);
	if (n >= LABEL_MAX_ALTERNATIVES)
		return scan_fail(s, LABEL_ERROR_LIMIT, s->pos, "label has too many compartments", hint_limit);
	if (!read_name(s, r, true, "compartment name expected"))
		return false;
	while (next_is(s, '.') && !next_is_range(s))
	{
		s->pos++;
		r->scratch[r->used++] = '.';
		if (!read_name(s, r, true, "compartment name expected after \".\""))
			return false;
	}
	draft->alternative[n].ptr = r->scratch + start;
	draft->alternative[n].len = (uint16) (r->used - start);
	draft->clause_start[draft->nclauses] = n + 1;
	return true;
}

/* compartment { '|' compartment } */
static bool
read_clause(LabelScanner *s, LabelReader *r)
{
	LabelDraft *draft = &r->draft;

	skip_space(s);
	if (draft->nclauses >= LABEL_MAX_CLAUSES)
		return scan_fail(s, LABEL_ERROR_LIMIT, s->pos, "label has too many clauses", hint_limit);

	/* The end of the clause, which grows with each alternative. */
	draft->nclauses++;
	draft->clause_start[draft->nclauses] = draft->clause_start[draft->nclauses - 1];
	do
	{
		if (!read_compartment(s, r))
			return false;
	} while (accept_byte(s, '|'));
	return true;
}

/* class [ ':' clause { ',' clause } ]; stops before whatever cannot belong to it. */
static bool
read_label(LabelScanner *s, Label *label)
{
	LabelReader r;
	bool		begun = s->pos > 0; /* a range or a keyword came before */

	r.used = 0;
	r.written = 0;
	r.draft.nclauses = 0;
	r.draft.clause_start[0] = 0;

	skip_space(s);
	if (s->pos == s->len)
		return scan_fail(s, LABEL_ERROR_SYNTAX, s->pos,
						 begun ? "label ends too early" : "label is empty",
						 s->hint);
	if (!read_name(s, &r, false, "class name expected"))
		return false;
	r.draft.class_name.ptr = r.scratch;
	r.draft.class_name.len = (uint16) r.used;

	if (accept_byte(s, ':'))
	{
		do
		{
			if (!read_clause(s, &r))
				return false;
		} while (accept_byte(s, ','));
	}

	/* Cannot fail: the canonical label is no longer than the written one. */
	if (!label_draft_finish(&r.draft, label))
		return scan_fail(s, LABEL_ERROR_LIMIT, 0, "label is too long", hint_limit);
	return true;
}

static bool
read_end(LabelScanner *s)
{
	skip_space(s);
	if (s->pos < s->len)
		return scan_unexpected(s, "unexpected text after label", s->hint);
	return true;
}

/* Quoted as in SQL; any byte but zero, in whatever encoding. */
static bool
read_mask_text(LabelScanner *s, LabelMask *mask)
{
	size_t		start;

	skip_space(s);
	start = s->pos;
	if (!accept_byte(s, '\''))
		return scan_unexpected(s, "quoted text expected in mask", hint_mask);
	while (s->pos < s->len)
	{
		char		c = s->text[s->pos];

		if (c == '\0')
			return scan_unexpected(s, "", hint_mask);
		s->pos++;
		if (c == '\'')
		{
			if (s->pos == s->len || s->text[s->pos] != '\'')
				return true;
			s->pos++;
		}
		if (mask->text_len + 1 >= LABEL_MASK_MAX_TEXT)
			return scan_fail(s, LABEL_ERROR_LIMIT, start, "text of the mask is too long",
							 "The text of a mask has at most 255 bytes.");
		mask->text[mask->text_len++] = c;
	}
	return scan_fail(s, LABEL_ERROR_SYNTAX, start, "text of the mask has no end", hint_mask);
}

static bool
read_mask_number(LabelScanner *s, uint16 *number)
{
	size_t		start;
	uint32		value = 0;

	skip_space(s);
	start = s->pos;
	while (s->pos < s->len && s->text[s->pos] >= '0' && s->text[s->pos] <= '9')
	{
		value = value * 10 + (s->text[s->pos++] - '0');
		if (value > LABEL_MASK_MAX_KEEP)
			return scan_fail(s, LABEL_ERROR_SYNTAX, start, "number of characters is too large",
							 "A mask keeps at most 9999 characters on either side.");
	}
	if (s->pos == start)
		return scan_unexpected(s, "number of characters expected in mask", hint_mask);
	*number = (uint16) value;
	return true;
}

static bool
expect_byte(LabelScanner *s, char c, const char *message)
{
	return accept_byte(s, c) || scan_unexpected(s, message, hint_mask);
}

/* What follows the word mask; nothing is NULL. */
static bool
read_mask(LabelScanner *s, LabelMask *mask)
{
	mask->kind = LABEL_MASK_NULL;
	if (accept_keyword(s, "hash"))
		mask->kind = LABEL_MASK_HASH;
	else if (accept_keyword(s, "constant"))
	{
		mask->kind = LABEL_MASK_CONSTANT;
		return expect_byte(s, '(', "\"(\" expected after \"constant\"") &&
			read_mask_text(s, mask) &&
			expect_byte(s, ')', "\")\" expected after the text of the mask");
	}
	else if (accept_keyword(s, "partial"))
	{
		mask->kind = LABEL_MASK_PARTIAL;
		return expect_byte(s, '(', "\"(\" expected after \"partial\"") &&
			read_mask_number(s, &mask->prefix) &&
			expect_byte(s, ',', "\",\" expected in mask") &&
			read_mask_text(s, mask) &&
			expect_byte(s, ',', "\",\" expected in mask") &&
			read_mask_number(s, &mask->suffix) &&
			expect_byte(s, ')', "\")\" expected at the end of the mask");
	}
	return true;
}

static bool
read_privilege(LabelScanner *s, uint32 *privileges)
{
	if (accept_keyword(s, "declassify"))
		*privileges |= LABEL_PRIVILEGE_DECLASSIFY;
	else if (accept_keyword(s, "reclassify"))
		*privileges |= LABEL_PRIVILEGE_RECLASSIFY;
	else if (accept_keyword(s, "export"))
		*privileges |= LABEL_PRIVILEGE_EXPORT;
	else if (accept_keyword(s, "break_glass"))
		*privileges |= LABEL_PRIVILEGE_BREAK_GLASS;
	else
		return scan_unexpected(s, "privilege expected", hint_privilege);
	return true;
}

/* [ label '..' ] label [ 'with' '(' privilege { ',' privilege } ')' ] */
static bool
read_clearance(LabelScanner *s, LabelSpec *spec)
{
	if (!read_label(s, &spec->label))
		return false;
	if (next_is_range(s))
	{
		s->pos += 2;
		spec->has_floor = true;
		spec->floor = spec->label;
		if (!read_label(s, &spec->label))
			return false;
	}
	if (!accept_keyword(s, "with"))
		return true;
	if (!accept_byte(s, '('))
		return scan_unexpected(s, "\"(\" expected after \"with\"", s->hint);
	do
	{
		if (!read_privilege(s, &spec->privileges))
			return false;
	} while (accept_byte(s, ','));
	if (!accept_byte(s, ')'))
		return scan_unexpected(s, "\")\" expected after privileges", hint_privilege);
	return true;
}

static void
scan_begin(LabelScanner *s, const char *text, size_t len, LabelError *error)
{
	s->text = text;
	s->len = len;
	s->pos = 0;
	s->hint = hint_plain;
	s->error = error;
	error->code = LABEL_OK;
	error->position = 0;
	error->message = NULL;
	error->hint = NULL;
}

/* *label is not touched on failure. */
bool
label_parse(const char *text, size_t len, Label *label, LabelError *error)
{
	LabelScanner s;
	Label		result;

	scan_begin(&s, text, len, error);
	if (!read_label(&s, &result) || !read_end(&s))
		return false;
	*label = result;
	return true;
}

/* *spec is not touched on failure; fields that its kind has no use for are zero. */
bool
label_parse_spec(LabelSpecKind kind, const char *text, size_t len, LabelSpec *spec, LabelError *error)
{
	LabelScanner s;
	LabelSpec	result;
	bool		ok = false;

	scan_begin(&s, text, len, error);
	memset(&result, 0, sizeof(result));
	result.kind = kind;
	switch (kind)
	{
		case LABEL_SPEC_PLAIN:
			ok = read_label(&s, &result.label);
			break;
		case LABEL_SPEC_COLUMN:
			s.hint = hint_column;
			ok = read_label(&s, &result.label);
			if (ok && accept_keyword(&s, "mask"))
			{
				s.hint = hint_mask;
				ok = read_mask(&s, &result.mask);
			}
			break;
		case LABEL_SPEC_ROLE:
			s.hint = hint_role;
			ok = read_clearance(&s, &result);
			break;
		case LABEL_SPEC_FUNCTION:
			s.hint = hint_function;
			ok = accept_keyword(&s, "trusted") ?
				read_label(&s, &result.label) :
				scan_unexpected(&s, "\"trusted\" expected in function label", s.hint);
			break;
	}
	if (!ok || !read_end(&s))
		return false;
	*spec = result;
	return true;
}
