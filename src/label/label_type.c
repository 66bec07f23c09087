/*-------------------------------------------------------------------------
 *
 * label_type.c
 *		The type dataclass.label: row labels as 8 bytes, passed by value.
 *
 * A value is label_id() of the canonical text.  Input needs no catalog, so a
 * dump restores in any order; output looks the text up among the registered
 * labels and otherwise prints "#" and 16 hexadecimal digits, which input takes
 * back.  The order is that of the ids as unsigned numbers: it means nothing
 * but makes indexes and grouping work.  Dominance is another matter
 * (label_order.c).
 *
 * Comparison and hashing see ids alone and cannot fail: they are leakproof.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/provider.h"

#define LABEL_HEX_DIGITS	16

PG_FUNCTION_INFO_V1(dc_label_in);
PG_FUNCTION_INFO_V1(dc_label_out);
PG_FUNCTION_INFO_V1(dc_label_recv);
PG_FUNCTION_INFO_V1(dc_label_send);
PG_FUNCTION_INFO_V1(dc_label_eq);
PG_FUNCTION_INFO_V1(dc_label_ne);
PG_FUNCTION_INFO_V1(dc_label_lt);
PG_FUNCTION_INFO_V1(dc_label_le);
PG_FUNCTION_INFO_V1(dc_label_gt);
PG_FUNCTION_INFO_V1(dc_label_ge);
PG_FUNCTION_INFO_V1(dc_label_cmp);
PG_FUNCTION_INFO_V1(dc_label_hash);
PG_FUNCTION_INFO_V1(dc_label_hash_extended);
PG_FUNCTION_INFO_V1(dc_label_canonical);
PG_FUNCTION_INFO_V1(dc_label_dominates);

#define PG_GETARG_LABEL(n)	DatumGetUInt64(PG_GETARG_DATUM(n))
#define PG_RETURN_LABEL(x)	return UInt64GetDatum(x)

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* "#0123456789abcdef", nothing around it. */
static uint64
id_from_hex(const char *text)
{
	const char *p = text + 1;
	uint64		id = 0;

	while (hex_digit(*p) >= 0 && p - text <= LABEL_HEX_DIGITS)
		id = (id << 4) | (uint64) hex_digit(*p++);
	if (*p != '\0' || p - text != LABEL_HEX_DIGITS + 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid label id"),
				 errdetail("The id is malformed at byte %d.", (int) (p - text) + 1),
				 errhint("Write \"#\" and exactly %d hexadecimal digits, or the label itself.",
						 LABEL_HEX_DIGITS)));
	return id;
}

static void
parse_label(const char *text, Label *label)
{
	LabelSpec	spec;

	label_parse_or_raise(LABEL_SPEC_PLAIN, text, &spec);
	*label = spec.label;
}

/*
 * The id of a label's text never changes, so the last ones are kept, by a hash
 * of the text: a bulk load meets the same few over and over, and SHA-256 costs
 * more than the rest of its row.  Two neighbours share what falls on either:
 * of a few labels some pair collides too often.  Longer texts are computed each
 * time.
 */
#define INPUT_MEMO_SIZE 128
#define INPUT_MEMO_TEXT 55

typedef struct InputMemo
{
	uint64		id;				/* 0: unused */
	char		text[INPUT_MEMO_TEXT + 1];
} InputMemo;

static InputMemo input_memo[INPUT_MEMO_SIZE];

static InputMemo *
input_slot(const char *text, size_t len)
{
	return &input_memo[hash_bytes((const unsigned char *) text, (int) len) % INPUT_MEMO_SIZE];
}

Datum
dc_label_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	size_t		len = strlen(text);
	InputMemo  *memo = len <= INPUT_MEMO_TEXT ? input_slot(text, len) : NULL;
	InputMemo  *other = memo ? &input_memo[(memo - input_memo) ^ 1] : NULL;
	Label		label;
	uint64		id;

	if (memo && memo->id != 0 && strcmp(memo->text, text) == 0)
		PG_RETURN_LABEL(memo->id);
	if (other && other->id != 0 && strcmp(other->text, text) == 0)
		PG_RETURN_LABEL(other->id);
	if (text[0] == '#')
		PG_RETURN_LABEL(id_from_hex(text));

	parse_label(text, &label);
	id = label_id(&label);
	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the id of a label"),
				 errdetail("OpenSSL does not provide SHA-256."),
				 errhint("Check the OpenSSL configuration of the server with \"openssl list -providers\".")));
	if (memo)
	{
		*other = *memo;
		memo->id = id;
		memcpy(memo->text, text, len + 1);
	}
	PG_RETURN_LABEL(id);
}

/* STABLE: the registered labels may change between statements. */
Datum
dc_label_out(PG_FUNCTION_ARGS)
{
	uint64		id = PG_GETARG_LABEL(0);
	const PolicyRowLabel *row = policy_row_label_by_id(policy_current(), id);

	if (row != NULL)
		PG_RETURN_CSTRING(pstrdup(row->text));
	PG_RETURN_CSTRING(psprintf("#%016llx", (unsigned long long) id));
}

/* Binary form: the 8 bytes of the id, network order. */
Datum
dc_label_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);

	PG_RETURN_LABEL((uint64) pq_getmsgint64(buf));
}

Datum
dc_label_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint64(&buf, PG_GETARG_LABEL(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

Datum
dc_label_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_LABEL(0) == PG_GETARG_LABEL(1));
}

Datum
dc_label_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_LABEL(0) != PG_GETARG_LABEL(1));
}

Datum
dc_label_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_LABEL(0) < PG_GETARG_LABEL(1));
}

Datum
dc_label_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_LABEL(0) <= PG_GETARG_LABEL(1));
}

Datum
dc_label_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_LABEL(0) > PG_GETARG_LABEL(1));
}

Datum
dc_label_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_LABEL(0) >= PG_GETARG_LABEL(1));
}

Datum
dc_label_cmp(PG_FUNCTION_ARGS)
{
	uint64		a = PG_GETARG_LABEL(0);
	uint64		b = PG_GETARG_LABEL(1);

	PG_RETURN_INT32(a < b ? -1 : a > b ? 1 : 0);
}

/* An id is uniform if it is content-addressed, but binary input may be chosen: hash it. */
Datum
dc_label_hash(PG_FUNCTION_ARGS)
{
	uint64		id = PG_GETARG_LABEL(0);

	PG_RETURN_UINT32(hash_bytes((const unsigned char *) &id, sizeof(id)));
}

Datum
dc_label_hash_extended(PG_FUNCTION_ARGS)
{
	uint64		id = PG_GETARG_LABEL(0);

	return UInt64GetDatum(hash_bytes_extended((const unsigned char *) &id, sizeof(id),
											  (uint64) PG_GETARG_INT64(1)));
}

Datum
dc_label_canonical(PG_FUNCTION_ARGS)
{
	char	   *input = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Label		label;

	parse_label(input, &label);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(label.text, label.text_len));
}

/* False also where a class is unknown to the policy: nothing is known to be higher then. */
Datum
dc_label_dominates(PG_FUNCTION_ARGS)
{
	char	   *text_a = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *text_b = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const PolicySnapshot *policy;
	const PolicyClass *class_a;
	const PolicyClass *class_b;
	Label		a;
	Label		b;

	parse_label(text_a, &a);
	parse_label(text_b, &b);
	policy = policy_current();
	class_a = policy_class_of(policy, &a);
	class_b = policy_class_of(policy, &b);
	PG_RETURN_BOOL(class_a != NULL && class_b != NULL &&
				   label_dominates(&a, class_a->rank, &b, class_b->rank));
}
