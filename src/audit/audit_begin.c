/*-------------------------------------------------------------------------
 *
 * audit_begin.c
 *		How a writer takes up a trail: the first record of a new one, the place
 *		to go on in an old one.
 *
 * The head row, the last record and the head file must agree.  Where they do
 * not, somebody changed files or tables behind our back: recording goes on
 * after the highest place that any of them knows, so that no sequence number
 * is ever used twice, the finding is the next record, and verify() keeps
 * reporting it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/checkpoint.h"

static char *tampered = NULL;	/* what the recovery found, in TopMemoryContext */

static void
remember_tampering(const char *what)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	if (tampered)
		pfree(tampered);
	tampered = pstrdup(what);
	MemoryContextSwitchTo(old);
}

void
writer_recover_head(TrailHead *head)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Oid			index = trail_relid("event_pkey");
	Oid			relid = trail_relid("event");
	Relation	rel;
	bool		head_sound;
	int64		last_seq = 0;
	uint8		last_hash[AUDIT_HASH_SIZE] = {0};
	AuditHeadFile file;
	bool		file_counts;
	int64		handed_out;
	char	   *contradiction;

	if (!OidIsValid(relid) || !OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	rel = table_open(relid, AccessShareLock);
	head_sound = trail_head_read(snapshot, head);
	(void) trail_last(rel, index, snapshot, &last_seq, last_hash);
	/* A file of another cluster came with a copied data directory: it says nothing. */
	file_counts = audit_head_read("head", MyDatabaseId, &file) &&
		file.system_identifier == GetSystemIdentifier();

	if (!head_sound)
		remember_tampering("The head row of the trail is missing or damaged.");
	else if (head->seq != last_seq || (last_seq > 0 && memcmp(head->hash, last_hash, AUDIT_HASH_SIZE) != 0))
		remember_tampering(psprintf("The trail ends at record %lld, its head is at %lld.",
									(long long) last_seq, (long long) head->seq));
	else if (file_counts && file.seq > head->seq)
		remember_tampering(psprintf("The trail ends at record %lld, but record %lld was committed: it was rewound.",
									(long long) head->seq, (long long) file.seq));
	contradiction = checkpoint_contradiction(head_sound ? head->seq : last_seq, snapshot, &handed_out);
	if (contradiction != NULL && tampered == NULL)
		remember_tampering(contradiction);
	if (tampered == NULL)
	{
		head->valid = true;
		table_close(rel, AccessShareLock);
		UnregisterSnapshot(snapshot);
		return;
	}

	if (!head_sound || last_seq > head->seq)
	{
		tile_rebuild(head, snapshot, last_seq);
		head->seq = last_seq;
		memcpy(head->hash, last_hash, AUDIT_HASH_SIZE);
		head->database = MyDatabaseId;
		head->system_identifier = GetSystemIdentifier();
	}
	if (file_counts && file.seq > head->seq)
	{
		head->seq = file.seq;
		memcpy(head->hash, file.hash, AUDIT_HASH_SIZE);
	}
	/* Not a number under a checkpoint that somebody holds is given out again. */
	if (handed_out > head->seq)
	{
		head->seq = handed_out;
		memset(head->hash, 0, AUDIT_HASH_SIZE);
	}
	head->valid = true;
	table_close(rel, AccessShareLock);
	UnregisterSnapshot(snapshot);
}

bool
writer_found_tampering(void)
{
	return tampered != NULL;
}

/* The extension was dropped and created anew: where its former trail ended. */
static const char *
former_trail(void)
{
	AuditHeadFile file;

	if (!audit_head_read(AUDIT_ENDED_PREFIX, MyDatabaseId, &file))
		return "";
	return psprintf(" A former trail of this database ended at record %lld.", (long long) file.seq);
}

static void
begin_work(TrailBatch *batch, void *arg)
{
	const TrailHead *head = writer_trail_head();
	char	   *database = get_database_name(MyDatabaseId);
	const char *version = GetConfigOption("server_version", false, false);

	if (head->seq == 0)
		writer_note(batch, EVENT_TRAIL_BEGIN, SEVERITY_NOTICE, false,
					psprintf("Trail of database \"%s\" (oid %u, encoding %s), system identifier %llu, server version %s; %s.%s",
							 database ? database : "?", MyDatabaseId,
							 GetConfigOption("server_encoding", false, false),
							 (unsigned long long) GetSystemIdentifier(), version, audit_state_text(), former_trail()));
	else if (head->database != MyDatabaseId || head->system_identifier != GetSystemIdentifier())
		writer_note(batch, EVENT_TRAIL_BEGIN, SEVERITY_WARNING, false,
					psprintf("Copied trail goes on in database \"%s\" (oid %u), system identifier %llu, server version %s; it comes from database oid %u, system identifier %llu.",
							 database ? database : "?", MyDatabaseId,
							 (unsigned long long) GetSystemIdentifier(), version,
							 head->database, (unsigned long long) head->system_identifier));
	if (tampered)
		writer_note(batch, EVENT_TRAIL_TAMPERED, SEVERITY_CRITICAL, true, tampered);
}

/* Nothing to begin: the ordinary start of a writer. */
static bool
nothing_to_say(const TrailHead *head)
{
	return head->seq > 0 && tampered == NULL &&
		head->database == MyDatabaseId && head->system_identifier == GetSystemIdentifier();
}

static void
no_work(TrailBatch *batch, void *arg)
{
}

void
writer_begin(void)
{
	int			sqlstate;

	/* Reads the head, and writes nothing. */
	if (!writer_transaction(no_work, NULL, &sqlstate))
		return;
	if (nothing_to_say(writer_trail_head()))
		return;
	if (writer_transaction(begin_work, NULL, &sqlstate) && tampered)
	{
		pfree(tampered);
		tampered = NULL;
	}
}
