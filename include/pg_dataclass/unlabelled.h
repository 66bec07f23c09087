/*-------------------------------------------------------------------------
 *
 * unlabelled.h
 *		Columns without a label that look like personal data.
 *
 * unlabelled_format.c and unlabelled_name.c are pure: they allocate nothing,
 * raise nothing, call no server code.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_UNLABELLED_H
#define PG_DATACLASS_UNLABELLED_H

/* Names of these are the keys of dataclass.suggestion. */
typedef enum PersonalKind
{
	PERSONAL_NATIONAL_ID,
	PERSONAL_PASSPORT,
	PERSONAL_PHONE,
	PERSONAL_EMAIL,
	PERSONAL_IBAN,
	PERSONAL_PAYMENT_CARD,
	PERSONAL_COORDINATES,
	PERSONAL_BIRTH,
	PERSONAL_HEALTH,
	PERSONAL_BIOMETRIC,
	PERSONAL_IP_ADDRESS,
	PERSONAL_NAME,
	PERSONAL_ADDRESS
} PersonalKind;

#define PERSONAL_KIND_COUNT (PERSONAL_ADDRESS + 1)
#define PERSONAL_BIT(kind)	((uint32) 1 << (kind))

/* What a column can hold, as far as its name needs to know. */
typedef enum PersonalShape
{
	SHAPE_TEXT,
	SHAPE_NUMBER,
	SHAPE_TIME,					/* date, timestamp */
	SHAPE_OTHER					/* boolean, json, arrays, types of others */
} PersonalShape;

extern const char *personal_kind_name(PersonalKind kind);
/* Does it identify or expose a person by itself? */
extern bool personal_kind_is_sensitive(PersonalKind kind);

/* ---- unlabelled_name.c ---- */

/* Kinds that the name of a column speaks of, as bits. */
extern uint32 personal_by_name(const char *name, PersonalShape shape);
/* The same for the name of a type, whatever its schema. */
extern uint32 personal_by_type(const char *type);

/* ---- unlabelled_format.c ---- */

/* A longer value is no single datum of these kinds. */
#define PERSONAL_MAX_VALUE	128

/*
 * Kinds that a value has the format of, as bits.  weak: kinds that it may
 * have, which counts only where the name of the column says so too.
 */
extern uint32 personal_by_value(const char *value, size_t len, uint32 *weak);

/* Parts of it, for tests. */
extern bool personal_luhn(const char *digits, size_t len);
extern bool personal_mod97(const char *iban, size_t len);

/* ---- unlabelled_sample.c ---- */

typedef struct ColumnSample
{
	int16		attnum;
	Oid			base_type;		/* domains looked through */
	uint32		by_name;		/* decides whether weak matches count */
	int64		values;			/* not null, looked at */
	int64		matches[PERSONAL_KIND_COUNT];
} ColumnSample;

/*
 * Look at up to max_rows rows of a table, from blocks chosen at random, and
 * count.  NULL, or why it was not done (static text).
 */
extern const char *sample_columns(Oid relid, int64 max_rows, ColumnSample *columns, int ncolumns, int64 *rows);
/* Is it one of the built-in types whose values are looked at? */
extern bool sample_reads_type(Oid base_type);

#endif							/* PG_DATACLASS_UNLABELLED_H */
