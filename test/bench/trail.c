/*-------------------------------------------------------------------------
 *
 * trail.c
 *		Makes a long audit trail outside of the server, for the benchmark.
 *
 *		trail RECORDS SYSTEM_IDENTIFIER DATABASE_OID UNIX_TIME PART
 *
 * Prints the rows of one of the tables of the trail for COPY: PART is event,
 * tile or head.  The last record is of UNIX_TIME, the first two years older.  Loaded into a server that runs without the library, they are
 * a trail that the extension takes for its own: the encoding and the tree are
 * those of docs/audit-format.md.  Nothing in the extension does that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#undef printf
#undef fprintf
#undef snprintf
#include <stdio.h>
#include <time.h>

#include "pg_dataclass/audit_merkle.h"

#define LEVELS			8
#define WIDTH			256
#define SUBJECTS		500
#define MICROSECONDS	INT64_C(1000000)

static uint8_t pending[LEVELS][WIDTH][AUDIT_HASH_SIZE];
static int	npending[LEVELS];
static int64_t tiles[LEVELS];
static MerkleFrontier frontier;
static char part;				/* e, t or h */

static void
print_hex(const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	fputs("\\\\x", stdout);
	for (size_t i = 0; i < len; i++)
	{
		putchar_unlocked(digits[data[i] >> 4]);
		putchar_unlocked(digits[data[i] & 15]);
	}
}

static void
tile_root(int level, uint8_t *root)
{
	MerkleFrontier tile;

	merkle_init(&tile);
	for (int i = 0; i < WIDTH; i++)
		merkle_append(&tile, pending[level][i]);
	merkle_root(&tile, root);
}

static void
add_leaf(const uint8_t *leaf)
{
	uint8_t		hash[AUDIT_HASH_SIZE];

	merkle_append(&frontier, leaf);
	memcpy(hash, leaf, AUDIT_HASH_SIZE);
	for (int level = 0; level < LEVELS; level++)
	{
		memcpy(pending[level][npending[level]++], hash, AUDIT_HASH_SIZE);
		if (npending[level] < WIDTH)
			return;
		npending[level] = 0;
		tile_root(level, hash);
		if (part == 't')
		{
			printf("%d\t%lld\t", level, (long long) tiles[level]);
			print_hex(&pending[level][0][0], sizeof(pending[level]));
			putchar('\t');
			print_hex(hash, sizeof(hash));
			putchar('\n');
		}
		tiles[level]++;
	}
}

static void
set_text(AuditRecord *r, int field, char *buffer, size_t size, const char *format, int64_t n)
{
	int			len = snprintf(buffer, size, format, (long long) n);

	r->text[field].data = buffer;
	r->text[field].len = len;
}

static void
set_number(AuditRecord *r, int field, int64_t value)
{
	r->number[field].present = true;
	r->number[field].value = value;
}

/* A denial as they are: one of 500 subjects, one in ten a breach by number 7 of them. */
static void
make_record(AuditRecord *r, int64_t seq, int64_t time)
{
	static char text[AUDIT_TEXT_COUNT][256];
	int64_t		subject = (seq * 7919) % SUBJECTS;

	memset(r, 0, sizeof(*r));
	for (int i = 0; i < 8; i++)
	{
		r->event_id[i] = (uint8_t) ((uint64_t) seq >> (56 - 8 * i));
		r->event_id[15 - i] = (uint8_t) (seq * 131 + i);
	}
	set_number(r, AUDIT_TIME, time);
	set_number(r, AUDIT_BREACH, seq % 10 != 0);
	set_number(r, AUDIT_BACKEND_PID, 1000 + seq % 3000);
	set_number(r, AUDIT_CLIENT_PORT, 40000 + seq % 20000);
	set_number(r, AUDIT_CLASS_ID, 1259);
	set_number(r, AUDIT_OBJECT_ID, 16384 + seq % 200);
	set_number(r, AUDIT_OBJECT_SUBID, 0);
#define TEXT(field, format, n) set_text(r, field, text[field], sizeof(text[field]), format, n)
	TEXT(AUDIT_KIND, "access_denied", 0);
	TEXT(AUDIT_SEVERITY, "high", 0);
	TEXT(AUDIT_OUTCOME, "denied", 0);
	TEXT(AUDIT_ACTION, "SELECT", 0);
	TEXT(AUDIT_SUBJECT, "subject_%lld", subject);
	TEXT(AUDIT_SESSION_USER, "subject_%lld", subject);
	TEXT(AUDIT_CURRENT_USER, "subject_%lld", subject);
	TEXT(AUDIT_AUTHENTICATED_USER, "subject_%lld", subject);
	TEXT(AUDIT_CLIENT_ADDR, "192.0.2.%lld", seq % 250);
	TEXT(AUDIT_APPLICATION, "registry", 0);
	TEXT(AUDIT_SESSION_ID, "67431200.%llx", 1000 + seq % 3000);
	TEXT(AUDIT_DATABASE, "bench", 0);
	TEXT(AUDIT_OBJECT_TYPE, "table", 0);
	TEXT(AUDIT_OBJECT_IDENTITY, "clinic.visit_%lld", seq % 200);
	TEXT(AUDIT_LABEL, "secret:health", 0);
	TEXT(AUDIT_RULE, "dominance", 0);
	TEXT(AUDIT_STATEMENT, "SELECT name, diagnosis FROM clinic.visit WHERE patient = ? AND day BETWEEN ? AND ?", 0);
	TEXT(AUDIT_DETAIL, "No clearance of the role dominates the label of the object.", 0);
	TEXT(AUDIT_NODE, "db-1", 0);
}

static void
print_time(int64_t time)
{
	time_t		seconds = time / MICROSECONDS;
	struct tm	tm;

	gmtime_r(&seconds, &tm);
	printf("%04d-%02d-%02d %02d:%02d:%02d.%06d+00\t", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		   tm.tm_hour, tm.tm_min, tm.tm_sec, (int) (time % MICROSECONDS));
}

static void
print_text(const AuditRecord *r, int field)
{
	if (r->text[field].data == NULL)
		fputs("\\N", stdout);
	else
		fwrite(r->text[field].data, 1, r->text[field].len, stdout);
	putchar_unlocked('\t');
}

static void
print_number(const AuditRecord *r, int field)
{
	if (r->number[field].present)
		printf("%lld\t", (long long) r->number[field].value);
	else
		fputs("\\N\t", stdout);
}

/* In the order of the columns of dataclass_audit.event. */
static void
print_record(const AuditRecord *r, const AuditPlace *place, const uint8_t *leaf)
{
	printf("%lld\t", (long long) place->seq);
	for (int i = 0; i < AUDIT_ID_SIZE; i++)
		printf("%02x", r->event_id[i]);
	putchar('\t');
	print_time(r->number[AUDIT_TIME].value);
	print_time(place->recorded_at);
	for (int i = AUDIT_KIND; i <= AUDIT_OUTCOME; i++)
		print_text(r, i);
	printf("%c\t", r->number[AUDIT_BREACH].value ? 't' : 'f');
	for (int i = AUDIT_ACTION; i <= AUDIT_CLIENT_ADDR; i++)
		print_text(r, i);
	print_number(r, AUDIT_CLIENT_PORT);
	print_text(r, AUDIT_APPLICATION);
	print_number(r, AUDIT_BACKEND_PID);
	print_text(r, AUDIT_SESSION_ID);
	print_number(r, AUDIT_TRANSACTION_ID);
	for (int i = AUDIT_DATABASE; i <= AUDIT_OBJECT_IDENTITY; i++)
		print_text(r, i);
	for (int i = AUDIT_CLASS_ID; i <= AUDIT_OBJECT_SUBID; i++)
		print_number(r, i);
	for (int i = AUDIT_LABEL; i <= AUDIT_DETAIL; i++)
		print_text(r, i);
	print_number(r, AUDIT_REPEATS);
	print_text(r, AUDIT_NODE);
	printf("%.*s\t%d\t", (int) place->origin_len, place->origin, AUDIT_FORMAT_VERSION);
	print_hex(place->prev_hash, AUDIT_HASH_SIZE);
	putchar('\t');
	print_hex(leaf, AUDIT_HASH_SIZE);
	putchar('\n');
}

static void
print_head(const AuditPlace *last, const uint8_t *leaf, const char *system_identifier, const char *database)
{
	uint8_t		root[AUDIT_HASH_SIZE];

	merkle_root(&frontier, root);
	printf("%lld\t", (long long) last->seq);
	print_hex(leaf, AUDIT_HASH_SIZE);
	putchar('\t');
	print_hex(root, AUDIT_HASH_SIZE);
	putchar('\t');
	print_hex(&frontier.root[0][0], (size_t) frontier.nroots * AUDIT_HASH_SIZE);
	printf("\t%s\t%s\tnow\n", database, system_identifier);
}

int
main(int argc, char **argv)
{
	int64_t		records = argc == 6 ? strtoll(argv[1], NULL, 10) : 0;
	int64_t		now = argc == 6 ? strtoll(argv[4], NULL, 10) * MICROSECONDS : 0;
	AuditPlace	place = {.origin = "queue", .origin_len = 5};
	AuditRecord record;
	uint8_t		bytes[AUDIT_LEAF_MAX];
	uint8_t		leaf[AUDIT_HASH_SIZE] = {0};

	if (records < 1)
	{
		fprintf(stderr, "usage: trail RECORDS SYSTEM_IDENTIFIER DATABASE_OID UNIX_TIME event|tile|head\n");
		return 1;
	}
	part = argv[5][0];
	merkle_init(&frontier);
	for (int64_t seq = 1; seq <= records; seq++)
	{
		size_t		len;

		place.seq = seq;
		place.recorded_at = now - (records - seq) * (730 * 86400 * MICROSECONDS / records);
		memcpy(place.prev_hash, leaf, AUDIT_HASH_SIZE);
		make_record(&record, seq, place.recorded_at - 300);
		len = audit_leaf_encode_record(&place, &record, bytes, sizeof(bytes));
		if (len == 0 || !merkle_leaf(bytes, len, leaf))
			return 1;
		if (part == 'e')
			print_record(&record, &place, leaf);
		add_leaf(leaf);
	}
	if (part == 'h')
		print_head(&place, leaf, argv[2], argv[3]);
	return 0;
}
