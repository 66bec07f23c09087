/*-------------------------------------------------------------------------
 *
 * unit_label_parse.c
 *		The grammar of labels and what SECURITY LABEL may say, by tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/label.h"
#include "tap.h"

#define PLAIN		LABEL_SPEC_PLAIN
#define COLUMN		LABEL_SPEC_COLUMN
#define ROLE		LABEL_SPEC_ROLE
#define FUNCTION	LABEL_SPEC_FUNCTION

#define LETTERS63 "abcdefghijklmnopqrstuvwxyz0123456789_-abcdefghijklmnopqrstuvwxy"

#define TEXT50 "0123456789012345678901234567890123456789(),;\"\\ \t\x01\x7f"
#define TEXT255 TEXT50 TEXT50 TEXT50 TEXT50 TEXT50 "01234"
#define QUOTES32 "''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''"
#define QUOTES254 QUOTES32 QUOTES32 QUOTES32 QUOTES32 QUOTES32 QUOTES32 QUOTES32 \
	"''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''"

/* What is accepted, and its canonical text. */
static const struct
{
	LabelSpecKind kind;
	const char *input;
	const char *canonical;
}			good[] =
{
	{PLAIN, "open", "open"},
	{PLAIN, "OPEN", "open"},
	{PLAIN, " \t\n\v\f\ropen \t\n\v\f\r", "open"},
	{PLAIN, "a", "a"},
	{PLAIN, "a-", "a-"},
	{PLAIN, "a_0-9", "a_0-9"},
	{PLAIN, LETTERS63, LETTERS63},
	{PLAIN, "c:" LETTERS63 "." LETTERS63, "c:" LETTERS63 "." LETTERS63},
	{PLAIN, "with", "with"},
	{PLAIN, "mask", "mask"},
	{PLAIN, "trusted", "trusted"},
	{PLAIN, "mask:with,trusted", "mask:trusted,with"},
	{PLAIN, "confidential:health,punjab|sindh", "confidential:health,punjab|sindh"},
	{PLAIN, "Confidential : Sindh | Punjab , Health", "confidential:health,punjab|sindh"},
	{PLAIN, "c:health.punjab", "c:health.punjab"},
	{PLAIN, "c : health . punjab", "c:health.punjab"},
	{PLAIN, "c:b,a", "c:a,b"},
	{PLAIN, "c:b|a", "c:a|b"},
	{PLAIN, "c:a,a", "c:a"},
	{PLAIN, "c:a|a", "c:a"},
	{PLAIN, "c:A|a", "c:a"},
	{PLAIN, "c:a,b,a", "c:a,b"},
	{PLAIN, "c:b|a|b", "c:a|b"},
	/* in a clause the descendant stays */
	{PLAIN, "c:h|h.p", "c:h.p"},
	{PLAIN, "c:h.p|h", "c:h.p"},
	{PLAIN, "c:h|h.p|h.p.q", "c:h.p.q"},
	{PLAIN, "c:h|h.p|h.q", "c:h.p|h.q"},
	{PLAIN, "c:h|h-x|h.p", "c:h-x|h.p"},
	/* among clauses the ancestor stays */
	{PLAIN, "c:h,h.p", "c:h"},
	{PLAIN, "c:h.p,h", "c:h"},
	{PLAIN, "c:h.p.q,h.p,h.r", "c:h.p,h.r"},
	/* a shorter clause implies a longer one */
	{PLAIN, "c:a,a|b", "c:a"},
	{PLAIN, "c:a|b,a", "c:a"},
	{PLAIN, "c:a|b,b|a", "c:a|b"},
	{PLAIN, "c:a|b,a|b|c", "c:a|b"},
	{PLAIN, "c:a|b,a|c", "c:a|b,a|c"},
	{PLAIN, "c:a|b|c,a|b,b|c", "c:a|b,b|c"},
	/* both at once */
	{PLAIN, "c:h,h.p|n", "c:h"},
	{PLAIN, "c:h|n,h.p|n", "c:h|n"},
	{PLAIN, "c:h|n,h.p|n|m", "c:h|n"},
	{PLAIN, "c:h|n.x,h.p|n", "c:h|n.x,h.p|n"},
	/* an ancestor is a whole name, not a prefix */
	{PLAIN, "c:h,hp", "c:h,hp"},
	{PLAIN, "c:h|hp", "c:h|hp"},
	{PLAIN, "c:h.p,h.pq", "c:h.p,h.pq"},
	{PLAIN, "c:h|h-p", "c:h|h-p"},
	{PLAIN, "c:h_,h", "c:h,h_"},
	/* order: names by bytes, clauses alternative by alternative */
	{PLAIN, "c:a_,a-,a.b,a0,ab", "c:a-,a.b,a0,a_,ab"},
	{PLAIN, "c:b|z,b", "c:b"},
	{PLAIN, "c:b|d,b|c", "c:b|c,b|d"},
	{PLAIN, "c:ab,a|z", "c:a|z,ab"},

	{COLUMN, "secret", "secret"},
	{COLUMN, "secret mask", "secret mask"},
	{COLUMN, " SECRET:b,a\tMASK ", "secret:a,b mask"},
	{COLUMN, "mask mask", "mask mask"},
	{COLUMN, "mask", "mask"},
	{COLUMN, "secretmask", "secretmask"},
	{COLUMN, "secret:mask mask", "secret:mask mask"},
	{COLUMN, "hash mask hash", "hash mask hash"},
	{COLUMN, "secret MASK Hash", "secret mask hash"},
	{COLUMN, "secret mask constant('')", "secret mask constant('')"},
	{COLUMN, "secret mask Constant ( 'N/A' ) ", "secret mask constant('N/A')"},
	{COLUMN, "secret mask constant('it''s')", "secret mask constant('it''s')"},
	{COLUMN, "secret mask constant('''')", "secret mask constant('''')"},
	{COLUMN, "secret mask constant(''',''')", "secret mask constant(''',''')"},
	{COLUMN, "secret mask constant('\\n) \n\xc3\xa9\xff')", "secret mask constant('\\n) \n\xc3\xa9\xff')"},
	{COLUMN, "secret:b,a mask partial(1,'***',2)", "secret:a,b mask partial(1, '***', 2)"},
	{COLUMN, "secret mask partial ( 007 , '' , 0 )", "secret mask partial(7, '', 0)"},
	{COLUMN, "secret mask partial(9999, 'x', 9999)", "secret mask partial(9999, 'x', 9999)"},
	{COLUMN, "secret mask constant('" TEXT255 "')", "secret mask constant('" TEXT255 "')"},
	{COLUMN, "secret mask constant('" QUOTES254 "''')", "secret mask constant('" QUOTES254 "''')"},

	{ROLE, "secret:health", "secret:health"},
	{ROLE, "public..secret:health", "public..secret:health"},
	{ROLE, "public .. secret:health", "public..secret:health"},
	{ROLE, "public:b,a..secret:b,a", "public:a,b..secret:a,b"},
	{ROLE, "public:h.p..secret:h", "public:h.p..secret:h"},
	{ROLE, "public:h . p .. secret:h", "public:h.p..secret:h"},
	{ROLE, "secret with (declassify)", "secret with (declassify)"},
	{ROLE, "secret with (declassify, export)", "secret with (declassify, export)"},
	{ROLE, "secret WITH(reclassify,EXPORT,declassify)", "secret with (declassify, export, reclassify)"},
	{ROLE, "secret with (reclassify, Break_Glass)", "secret with (break_glass, reclassify)"},
	{ROLE, "secret with (export,export)", "secret with (export)"},
	{ROLE, "with with (export)", "with with (export)"},
	{ROLE, "with", "with"},
	{ROLE, "secretwith", "secretwith"},
	{ROLE, "a..b with ( declassify )", "a..b with (declassify)"},
	{ROLE, "secret:with with(export)", "secret:with with (export)"},

	{FUNCTION, "trusted secret:health", "trusted secret:health"},
	{FUNCTION, " Trusted\nSecret : b , a", "trusted secret:a,b"},
	{FUNCTION, "trusted trusted", "trusted trusted"},
};

/* What is refused, and the byte that is to blame. */
static const struct
{
	LabelSpecKind kind;
	const char *input;
	LabelErrorCode code;
	int			position;
}			bad[] =
{
	{PLAIN, "", LABEL_ERROR_SYNTAX, 1},
	{PLAIN, "   ", LABEL_ERROR_SYNTAX, 4},
	{PLAIN, ":", LABEL_ERROR_SYNTAX, 1},
	{PLAIN, ":health", LABEL_ERROR_SYNTAX, 1},
	{PLAIN, "1open", LABEL_ERROR_SYNTAX, 1},
	{PLAIN, "_open", LABEL_ERROR_SYNTAX, 1},
	{PLAIN, "-open", LABEL_ERROR_SYNTAX, 1},
	{PLAIN, "open:", LABEL_ERROR_SYNTAX, 6},
	{PLAIN, "open: ", LABEL_ERROR_SYNTAX, 7},
	{PLAIN, "open:a,", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "open:,a", LABEL_ERROR_SYNTAX, 6},
	{PLAIN, "open:a,,b", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "open:a|", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "open:|a", LABEL_ERROR_SYNTAX, 6},
	{PLAIN, "open:a||b", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "open:a|,b", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "open:a.", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "open:.a", LABEL_ERROR_SYNTAX, 6},
	{PLAIN, "open:a..b", LABEL_ERROR_SYNTAX, 7},
	{PLAIN, "open:a. .b", LABEL_ERROR_SYNTAX, 9},
	{PLAIN, "open:a.1", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "open:a b", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "open secret", LABEL_ERROR_SYNTAX, 6},
	{PLAIN, "open::a", LABEL_ERROR_SYNTAX, 6},
	{PLAIN, "open:a:b", LABEL_ERROR_SYNTAX, 7},
	{PLAIN, "open,a", LABEL_ERROR_SYNTAX, 5},
	{PLAIN, "open|a", LABEL_ERROR_SYNTAX, 5},
	{PLAIN, "open.a", LABEL_ERROR_SYNTAX, 5},
	{PLAIN, "open;", LABEL_ERROR_SYNTAX, 5},
	{PLAIN, "open'", LABEL_ERROR_SYNTAX, 5},
	{PLAIN, "\"open\"", LABEL_ERROR_SYNTAX, 1},
	{PLAIN, "op\xc3\xa9n", LABEL_ERROR_SYNTAX, 3},
	{PLAIN, "open:h\xff", LABEL_ERROR_SYNTAX, 7},
	{PLAIN, "\xe2\x80\x8bopen", LABEL_ERROR_SYNTAX, 1},
	{PLAIN, "open\xc2\xa0", LABEL_ERROR_SYNTAX, 5},
	{PLAIN, "open\x01", LABEL_ERROR_SYNTAX, 5},
	{PLAIN, "open\x7f", LABEL_ERROR_SYNTAX, 5},
	{PLAIN, "open mask", LABEL_ERROR_SYNTAX, 6},
	{PLAIN, "open..secret", LABEL_ERROR_SYNTAX, 5},
	{PLAIN, "secret with (export)", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "trusted secret", LABEL_ERROR_SYNTAX, 9},
	{PLAIN, "#0123456789abcdef", LABEL_ERROR_SYNTAX, 1},
	{PLAIN, "secret:(a|b),c", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, "secret:*", LABEL_ERROR_SYNTAX, 8},
	{PLAIN, LETTERS63 "z", LABEL_ERROR_LIMIT, 1},
	{PLAIN, "c:" LETTERS63 "z", LABEL_ERROR_LIMIT, 3},
	{PLAIN, "c:a." LETTERS63 "z", LABEL_ERROR_LIMIT, 5},

	{COLUMN, "secret mask mask", LABEL_ERROR_SYNTAX, 13},
	{COLUMN, "secret masked", LABEL_ERROR_SYNTAX, 8},
	{COLUMN, "secret mask:", LABEL_ERROR_SYNTAX, 12},
	{COLUMN, "secret:mask:mask", LABEL_ERROR_SYNTAX, 12},
	{COLUMN, "a..b", LABEL_ERROR_SYNTAX, 2},
	{COLUMN, "secret hash", LABEL_ERROR_SYNTAX, 8},
	{COLUMN, "secret mask null", LABEL_ERROR_SYNTAX, 13},
	{COLUMN, "secret mask hashed", LABEL_ERROR_SYNTAX, 13},
	{COLUMN, "secret mask hash()", LABEL_ERROR_SYNTAX, 17},
	{COLUMN, "secret mask hash hash", LABEL_ERROR_SYNTAX, 18},
	{COLUMN, "secret mask constant", LABEL_ERROR_SYNTAX, 21},
	{COLUMN, "secret mask constant(", LABEL_ERROR_SYNTAX, 22},
	{COLUMN, "secret mask constant()", LABEL_ERROR_SYNTAX, 22},
	{COLUMN, "secret mask constant(x)", LABEL_ERROR_SYNTAX, 22},
	{COLUMN, "secret mask constant('", LABEL_ERROR_SYNTAX, 22},
	{COLUMN, "secret mask constant('x", LABEL_ERROR_SYNTAX, 22},
	{COLUMN, "secret mask constant('x''", LABEL_ERROR_SYNTAX, 22},
	{COLUMN, "secret mask constant('x'", LABEL_ERROR_SYNTAX, 25},
	{COLUMN, "secret mask constant('x','y')", LABEL_ERROR_SYNTAX, 25},
	{COLUMN, "secret mask constant('x' 'y')", LABEL_ERROR_SYNTAX, 26},
	{COLUMN, "secret mask constant('x') mask", LABEL_ERROR_SYNTAX, 27},
	{COLUMN, "secret mask constant(\"x\")", LABEL_ERROR_SYNTAX, 22},
	{COLUMN, "secret mask constant('" TEXT255 "x')", LABEL_ERROR_LIMIT, 22},
	{COLUMN, "secret mask partial", LABEL_ERROR_SYNTAX, 20},
	{COLUMN, "secret mask partial(", LABEL_ERROR_SYNTAX, 21},
	{COLUMN, "secret mask partial()", LABEL_ERROR_SYNTAX, 21},
	{COLUMN, "secret mask partial(1)", LABEL_ERROR_SYNTAX, 22},
	{COLUMN, "secret mask partial(1,'x')", LABEL_ERROR_SYNTAX, 26},
	{COLUMN, "secret mask partial(1,'x',2", LABEL_ERROR_SYNTAX, 28},
	{COLUMN, "secret mask partial(1,'x',2,3)", LABEL_ERROR_SYNTAX, 28},
	{COLUMN, "secret mask partial(-1,'x',2)", LABEL_ERROR_SYNTAX, 21},
	{COLUMN, "secret mask partial(1,'x',-2)", LABEL_ERROR_SYNTAX, 27},
	{COLUMN, "secret mask partial(1,2,'x')", LABEL_ERROR_SYNTAX, 23},
	{COLUMN, "secret mask partial('x',1,2)", LABEL_ERROR_SYNTAX, 21},
	{COLUMN, "secret mask partial(1.5,'x',2)", LABEL_ERROR_SYNTAX, 22},
	{COLUMN, "secret mask partial(10000,'x',2)", LABEL_ERROR_SYNTAX, 21},
	{COLUMN, "secret mask partial(99999999999999999999,'x',2)", LABEL_ERROR_SYNTAX, 21},
	{PLAIN, "secret mask hash", LABEL_ERROR_SYNTAX, 8},

	{ROLE, "public..", LABEL_ERROR_SYNTAX, 9},
	{ROLE, " public..", LABEL_ERROR_SYNTAX, 10},
	{ROLE, "..secret", LABEL_ERROR_SYNTAX, 1},
	{ROLE, "public...secret", LABEL_ERROR_SYNTAX, 9},
	{ROLE, "public. .secret", LABEL_ERROR_SYNTAX, 7},
	{ROLE, "a..b..c", LABEL_ERROR_SYNTAX, 5},
	{ROLE, "secret with", LABEL_ERROR_SYNTAX, 12},
	{ROLE, "secret with ()", LABEL_ERROR_SYNTAX, 14},
	{ROLE, "secret with (", LABEL_ERROR_SYNTAX, 14},
	{ROLE, "secret with (export", LABEL_ERROR_SYNTAX, 20},
	{ROLE, "secret with (export,)", LABEL_ERROR_SYNTAX, 21},
	{ROLE, "secret with (export declassify)", LABEL_ERROR_SYNTAX, 21},
	{ROLE, "secret with (exports)", LABEL_ERROR_SYNTAX, 14},
	{ROLE, "secret with (superuser)", LABEL_ERROR_SYNTAX, 14},
	{ROLE, "secret with export", LABEL_ERROR_SYNTAX, 13},
	{ROLE, "secret with (export) with (export)", LABEL_ERROR_SYNTAX, 22},
	{ROLE, "secret with (export)..top", LABEL_ERROR_SYNTAX, 21},
	{ROLE, "secret mask", LABEL_ERROR_SYNTAX, 8},
	{ROLE, "secret without (export)", LABEL_ERROR_SYNTAX, 8},

	{FUNCTION, "", LABEL_ERROR_SYNTAX, 1},
	{FUNCTION, "secret", LABEL_ERROR_SYNTAX, 1},
	{FUNCTION, "trusted", LABEL_ERROR_SYNTAX, 8},
	{FUNCTION, "trusted ", LABEL_ERROR_SYNTAX, 9},
	{FUNCTION, "trustedsecret", LABEL_ERROR_SYNTAX, 1},
	{FUNCTION, "trusted:health", LABEL_ERROR_SYNTAX, 8},
	{FUNCTION, "trusted a..b", LABEL_ERROR_SYNTAX, 10},
	{FUNCTION, "trusted secret mask", LABEL_ERROR_SYNTAX, 16},
};

/*
 * Parse from a heap block of exactly the right size, so that a sanitizer sees
 * any read past its end.
 */
static bool
parse_exact(LabelSpecKind kind, const char *text, size_t len, LabelSpec *spec, LabelError *error)
{
	char	   *copy = malloc(len > 0 ? len : 1);
	bool		ok;

	memcpy(copy, text, len);
	ok = label_parse_spec(kind, copy, len, spec, error);
	free(copy);
	return ok;
}

/* Name an input that may hold any byte on a TAP line. */
static const char *
shown(const char *text)
{
	static char buf[2048];
	size_t		used = 0;

	for (const unsigned char *p = (const unsigned char *) text; *p && used < sizeof(buf) - 5; p++)
	{
		if (*p < ' ' || *p >= 0x7f || *p == '#' || *p == '\\')
			used += snprintf(buf + used, 5, "\\x%02x", *p);
		else
			buf[used++] = (char) *p;
	}
	buf[used] = '\0';
	return buf;
}

static void
test_good(void)
{
	for (size_t i = 0; i < lengthof(good); i++)
	{
		LabelSpec	spec;
		LabelSpec	again;
		LabelError	error;
		char		text[LABEL_SPEC_MAX_TEXT];
		size_t		len;
		bool		ok = parse_exact(good[i].kind, good[i].input, strlen(good[i].input), &spec, &error);

		if (!tap_ok(ok, "accepts \"%s\"", shown(good[i].input)))
		{
			tap_note("%s at byte %d", error.message, error.position);
			continue;
		}
		len = label_spec_text(&spec, text, sizeof(text));
		tap_is_string(text, good[i].canonical, "  its canonical text");
		tap_is_int(len, strlen(good[i].canonical), "  its length");
		tap_ok(parse_exact(good[i].kind, text, len, &again, &error) &&
			   memcmp(&spec, &again, sizeof(spec)) == 0, "  canonical text parses to the same");
	}
}

static void
test_bad(void)
{
	for (size_t i = 0; i < lengthof(bad); i++)
	{
		LabelSpec	spec;
		LabelSpec	untouched;
		LabelError	error;

		memset(&spec, 0x5a, sizeof(spec));
		untouched = spec;
		if (!tap_ok(!parse_exact(bad[i].kind, bad[i].input, strlen(bad[i].input), &spec, &error),
					"refuses \"%s\"", shown(bad[i].input)))
			continue;
		tap_ok(error.code == bad[i].code && error.position == bad[i].position &&
			   error.message != NULL && error.hint != NULL &&
			   memcmp(&spec, &untouched, sizeof(spec)) == 0, "  code, position, texts, result untouched");
		if (error.code != bad[i].code || error.position != bad[i].position)
			tap_note("code %d at byte %d (%s), expected code %d at byte %d", error.code,
					 error.position, error.message, bad[i].code, bad[i].position);
	}
}

/* Zero bytes and lengths: the parser goes by len alone. */
static void
test_bytes(void)
{
	Label		label;
	LabelSpec	spec;
	LabelError	error;
	int			accepted = 0;

	tap_ok(label_parse("secretive", 6, &label, &error) && strcmp(label.text, "secret") == 0,
		   "bytes after len are not looked at");
	tap_ok(!label_parse("secret\0", 7, &label, &error) && error.position == 7 &&
		   strstr(error.message, "zero byte") != NULL, "zero byte at the end refused");
	tap_ok(!label_parse("sec\0ret", 7, &label, &error) && error.position == 4, "zero byte inside a name refused");
	tap_ok(!label_parse("secret:\0", 8, &label, &error) && error.position == 8, "zero byte for a name refused");
	tap_ok(!label_parse("\0", 1, &label, &error) && error.position == 1, "only a zero byte refused");
	tap_ok(!label_parse("", 0, &label, &error) && strcmp(error.message, "label is empty") == 0, "nothing refused");

	tap_ok(!label_parse_spec(ROLE, "public..secret", 7, &spec, &error) && error.position == 7,
		   "the second dot of a range is not looked for after len");
	tap_ok(label_parse_spec(COLUMN, "secret masked", 11, &spec, &error) && spec.mask.kind == LABEL_MASK_NULL,
		   "the end of a keyword is not looked for after len");
	tap_ok(label_parse_spec(COLUMN, "secret mask", 10, &spec, &error) == false && error.position == 8,
		   "a keyword is not read past len");

	for (int c = 0; c < 256; c++)
	{
		char		text[1] = {(char) c};

		accepted += label_parse(text, 1, &label, &error);
	}
	tap_is_int(accepted, 52, "of one-byte labels, the letters are accepted");

	accepted = 0;
	for (int c = 0; c < 256; c++)
	{
		char		text[3] = {'a', (char) c, 'b'};

		accepted += label_parse(text, 3, &label, &error);
	}
	/* letters, digits, "_", "-", and ":" */
	tap_is_int(accepted, 52 + 10 + 2 + 1, "between two letters, name bytes and a colon are accepted");
}

static void
test_fields(void)
{
	LabelSpec	spec;
	LabelError	error;
	const char *text = "public:a..secret:b|c,d with (reclassify)";
	char		buf[LABEL_SPEC_MAX_TEXT];
	char		small[8];

	tap_ok(label_parse_spec(ROLE, text, strlen(text), &spec, &error), "clearance with everything");
	tap_ok(spec.kind == ROLE && spec.has_floor && spec.mask.kind == LABEL_MASK_NONE &&
		   spec.privileges == LABEL_PRIVILEGE_RECLASSIFY, "its fields");
	tap_ok(label_class_is(&spec.floor, "public") && label_class_is(&spec.label, "secret") &&
		   !label_class_is(&spec.label, "secre") && !label_class_is(&spec.label, "secret:") &&
		   !label_class_is(&spec.label, ""), "class names");
	tap_ok(spec.label.nclauses == 2 && spec.label.nalternatives == 3 &&
		   spec.label.clause_start[0] == 0 && spec.label.clause_start[1] == 2 &&
		   spec.label.clause_start[2] == 3, "clauses");
	tap_ok(spec.label.text_len == strlen(spec.label.text) &&
		   memcmp(spec.label.text + spec.label.alternative[2].off, "d", 1) == 0, "spans");

	tap_is_int(label_spec_text(&spec, buf, sizeof(buf)), strlen(text), "length of the text");
	memset(small, 'x', sizeof(small));
	tap_ok(label_spec_text(&spec, small, 5) == strlen(buf) && strcmp(small, "publ") == 0 &&
		   small[5] == 'x', "a small buffer is not overrun, the full length is told");
	tap_ok(label_spec_text(&spec, small, 1) == strlen(buf) && small[0] == '\0', "room for the NUL only");
	tap_ok(label_spec_text(&spec, NULL, 0) == strlen(buf), "no room at all");

	tap_ok(label_parse_spec(COLUMN, "secret mask", 11, &spec, &error) && spec.mask.kind == LABEL_MASK_NULL &&
		   spec.mask.text_len == 0 && !spec.has_floor &&
		   spec.privileges == 0 && spec.floor.text_len == 0, "column: mask, nothing else");
	text = "secret mask partial(3, 'a''b', 14)";
	tap_ok(label_parse_spec(COLUMN, text, strlen(text), &spec, &error) &&
		   spec.mask.kind == LABEL_MASK_PARTIAL && spec.mask.prefix == 3 && spec.mask.suffix == 14 &&
		   spec.mask.text_len == 3 && strcmp(spec.mask.text, "a'b") == 0, "column: partial mask and its fields");
	text = "secret mask constant('x')";
	tap_ok(label_parse_spec(COLUMN, text, strlen(text), &spec, &error) &&
		   spec.mask.kind == LABEL_MASK_CONSTANT && strcmp(spec.mask.text, "x") == 0 &&
		   spec.mask.prefix == 0 && spec.mask.suffix == 0, "column: constant mask and its fields");
	tap_ok(!label_parse_spec(COLUMN, "secret mask constant('a\0b')", 27, &spec, &error) && error.position == 24 &&
		   strstr(error.message, "zero byte") != NULL, "a zero byte in the text of a mask is refused");
	tap_ok(!label_parse_spec(COLUMN, "secret mask constant('ab')", 24, &spec, &error) && error.position == 22,
		   "the end of the text is not looked for after len");
}

int
main(void)
{
	test_good();
	test_bad();
	test_bytes();
	test_fields();
	return tap_done();
}
