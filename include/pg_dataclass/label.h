/*-------------------------------------------------------------------------
 *
 * label.h
 *		Labels: grammar, canonical form, dominance.  Pure.
 *
 * Owned by src/label/label_parse.c, which allocates nothing, raises nothing
 * and reads no catalog, so that it runs in a unit test or a fuzz target.
 *
 * Grammar (white space between tokens is allowed, upper case is folded):
 *
 *		label		:= class [ ':' clause { ',' clause } ]
 *		clause		:= compartment { '|' compartment }
 *		compartment := name { '.' name }
 *		class, name := [a-z] [a-z0-9_-]*			at most 63 bytes
 *		clearance	:= [ label '..' ] label [ 'with' '(' privilege { ',' privilege } ')' ]
 *		column		:= label [ 'mask' [ mask ] ]
 *		mask		:= 'constant' '(' string ')' | 'hash'
 *					 | 'partial' '(' number ',' string ',' number ')'
 *		string		:= quoted as in SQL: a quote in it is doubled
 *		function	:= 'trusted' label
 *
 * Canonical form: lower case, no white space; inside a clause alternatives
 * are sorted, unique and without those that another alternative makes
 * superfluous (an ancestor beside its descendant); clauses are sorted, unique
 * and without those that another clause implies.  Names sort by bytes, clauses
 * alternative by alternative.  Two labels are equivalent for dominance exactly
 * when class and canonical text are equal.  Limits hold for the label as
 * written, white space aside.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_LABEL_H
#define PG_DATACLASS_LABEL_H

#define LABEL_MAX_TEXT			512 /* canonical text with its NUL, bytes */
#define LABEL_MAX_CLAUSES		16
#define LABEL_MAX_ALTERNATIVES	64	/* over all clauses of one label */
#define LABEL_MAX_NAME			63	/* bytes of one class or name part */
#define LABEL_MASK_MAX_TEXT		256 /* text of a mask with its NUL, bytes */
#define LABEL_MASK_MAX_KEEP		9999	/* characters of a value that a mask may keep */
#define LABEL_SPEC_MAX_TEXT		(2 * LABEL_MAX_TEXT + 2 * LABEL_MASK_MAX_TEXT + 128)

typedef struct LabelSpan
{
	uint16		off;			/* into Label.text */
	uint16		len;
} LabelSpan;

/* One parsed label; text is always canonical.  Copy by assignment. */
typedef struct Label
{
	uint16		text_len;		/* without the NUL */
	uint16		nclauses;
	uint16		nalternatives;
	LabelSpan	class_name;
	uint16		clause_start[LABEL_MAX_CLAUSES + 1];	/* into alternative[] */
	LabelSpan	alternative[LABEL_MAX_ALTERNATIVES];
	char		text[LABEL_MAX_TEXT];
} Label;

typedef enum LabelErrorCode
{
	LABEL_OK,
	LABEL_ERROR_SYNTAX,			/* SQLSTATE 22023 */
	LABEL_ERROR_LIMIT			/* SQLSTATE 54000 */
} LabelErrorCode;

typedef struct LabelError
{
	LabelErrorCode code;
	int			position;		/* 1-based byte in the input */
	const char *message;		/* static text, errmsg style */
	const char *hint;			/* static text, or NULL */
} LabelError;

/* What a SECURITY LABEL may say on each kind of object. */
typedef enum LabelSpecKind
{
	LABEL_SPEC_PLAIN,			/* database, schema, relation: a label */
	LABEL_SPEC_COLUMN,			/* label [mask [what to show]] */
	LABEL_SPEC_ROLE,			/* clearance */
	LABEL_SPEC_FUNCTION			/* trusted label */
} LabelSpecKind;

#define LABEL_PRIVILEGE_DECLASSIFY	0x01	/* lower a label */
#define LABEL_PRIVILEGE_RECLASSIFY	0x02	/* raise a label */
#define LABEL_PRIVILEGE_EXPORT		0x04	/* publish labelled data */
#define LABEL_PRIVILEGE_BREAK_GLASS	0x08	/* open emergency access */

/* What a reader without the clearance gets of a column. */
typedef enum LabelMaskKind
{
	LABEL_MASK_NONE,			/* an error: the column may not be read */
	LABEL_MASK_NULL,
	LABEL_MASK_CONSTANT,		/* text, as input of the column's type */
	LABEL_MASK_PARTIAL,			/* the first and last characters, text between them */
	LABEL_MASK_HASH				/* keyed hash of the value */
} LabelMaskKind;

/* Compare with memcmp(): bytes without a meaning are zero. */
typedef struct LabelMask
{
	LabelMaskKind kind;
	uint16		prefix;			/* characters kept by PARTIAL */
	uint16		suffix;
	uint32		text_len;		/* without the NUL */
	char		text[LABEL_MASK_MAX_TEXT];
} LabelMask;

typedef struct LabelSpec
{
	LabelSpecKind kind;
	bool		has_floor;
	LabelMask	mask;			/* of a column */
	uint32		privileges;		/* LABEL_PRIVILEGE_* */
	Label		label;			/* the label, or the ceiling of a clearance */
	Label		floor;			/* valid if has_floor */
} LabelSpec;

/* Parse len bytes (need not be NUL-terminated).  False fills *error. */
extern bool label_parse(const char *text, size_t len, Label *label, LabelError *error);
extern bool label_parse_spec(LabelSpecKind kind, const char *text, size_t len,
							 LabelSpec *spec, LabelError *error);

/* Write the canonical text of spec into buf (LABEL_SPEC_MAX_TEXT bytes do); returns its length. */
extern size_t label_spec_text(const LabelSpec *spec, char *buf, size_t size);

/*
 * a dominates b: rank_a >= rank_b and every clause of b is implied by a
 * clause of a.  Ranks come from the policy; the module knows none.  A negative
 * rank is an unknown class: it dominates nothing and nothing dominates it.
 */
extern bool label_dominates(const Label *a, int rank_a, const Label *b, int rank_b);
extern bool label_compartments_dominate(const Label *a, const Label *b);

/*
 * Least upper bound into *out, which may be a or b; false (fail closed) if it
 * exceeds a limit, or if it cannot be told which of two classes is higher.
 */
extern bool label_join(const Label *a, int rank_a, const Label *b, int rank_b, Label *out);

/* Class name as bytes (not NUL-terminated in the struct): compares with a NUL-terminated name. */
extern bool label_class_is(const Label *label, const char *name);

/*
 * The 8 bytes of type dataclass.label: the first 64 bits, big-endian, of
 * SHA-256 (FIPS 180-4) over the canonical text.  0 if OpenSSL cannot compute
 * it: the caller must fail.
 */
extern uint64 label_id(const Label *label);

#endif							/* PG_DATACLASS_LABEL_H */
