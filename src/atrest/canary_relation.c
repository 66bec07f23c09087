/*-------------------------------------------------------------------------
 *
 * canary_relation.c
 *		The table that a canary proof writes to.
 *
 * Permanent and logged, so that it takes every way that data take; made in a
 * schema of its own within a subtransaction that is rolled back, so that no
 * other session ever sees it and nothing of it stays.  Core's functions are
 * called directly, as the bootstrap superuser in a restricted operation: no
 * event trigger and no utility hook of anybody runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "catalog/toasting.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "nodes/makefuncs.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/canary.h"
#include "pg_dataclass/protect.h"

#define CANARY_TABLE	"canary"
#define CANARY_NATTS	4

static ColumnDef *
column(const char *name, char storage)
{
	ColumnDef  *def = makeColumnDef(name, BYTEAOID, -1, InvalidOid);

	def->storage = storage;
	return def;
}

static Oid
make_table(const char *schema, const char *access_method, const char *tablespace)
{
	CreateStmt *stmt = makeNode(CreateStmt);
	Oid			relid;

	stmt->relation = makeRangeVar(pstrdup(schema), CANARY_TABLE, -1);
	stmt->tableElts = list_make4(column("key", TYPSTORAGE_PLAIN), column("inline_value", TYPSTORAGE_PLAIN),
								 column("long_value", TYPSTORAGE_EXTERNAL), column("repeated", TYPSTORAGE_EXTERNAL));
	stmt->oncommit = ONCOMMIT_NOOP;
	stmt->tablespacename = pstrdup(tablespace);
	stmt->accessMethod = pstrdup(access_method);
	relid = DefineRelation(stmt, RELKIND_RELATION, BOOTSTRAP_SUPERUSERID, NULL, NULL).objectId;
	CommandCounterIncrement();
	NewRelationCreateToastTable(relid, (Datum) 0);
	CommandCounterIncrement();
	return relid;
}

static Oid
make_index(Oid relid, const char *schema, const char *tablespace)
{
	IndexStmt  *stmt = makeNode(IndexStmt);
	IndexElem  *elem = makeNode(IndexElem);
	Oid			indexid;

	elem->name = "key";
	elem->ordering = SORTBY_DEFAULT;
	elem->nulls_ordering = SORTBY_NULLS_DEFAULT;
	stmt->idxname = CANARY_TABLE "_key";
	stmt->relation = makeRangeVar(pstrdup(schema), CANARY_TABLE, -1);
	stmt->accessMethod = "btree";
	stmt->tableSpace = pstrdup(tablespace);
	stmt->indexParams = list_make1(elem);
	indexid = compat_define_index(relid, stmt);
	CommandCounterIncrement();
	return indexid;
}

static Datum
bytea_of(const unsigned char *bytes, size_t len)
{
	bytea	   *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), bytes, len);
	return PointerGetDatum(value);
}

static void
put_row(Relation rel, Relation index, TupleTableSlot *slot, const CanaryRow *row)
{
	IndexInfo  *info = BuildIndexInfo(index);
	Datum		key;
	bool		isnull = false;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, false, sizeof(bool) * CANARY_NATTS);
	slot->tts_values[0] = key = bytea_of(row->key, sizeof(row->key));
	slot->tts_values[1] = bytea_of(row->inline_value, sizeof(row->inline_value));
	slot->tts_values[2] = bytea_of(row->long_value, sizeof(row->long_value));
	slot->tts_values[3] = bytea_of(row->repeated, sizeof(row->repeated));
	ExecStoreVirtualTuple(slot);
	table_tuple_insert(rel, slot, GetCurrentCommandId(true), 0, NULL);
	index_insert(index, &key, &isnull, &slot->tts_tid, rel, UNIQUE_CHECK_NO, false, info);
}

void
canary_relation_make(const char *access_method, const char *tablespace, const CanaryRow *rows,
					 int nrows, CanaryRelation *made)
{
	ProtectActing acting;
	Relation	rel;
	Relation	index;
	TupleTableSlot *slot;
	char	   *schema;
	uint64		chance;

	if (!pg_strong_random(&chance, sizeof(chance)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random name")));
	schema = psprintf("dataclass_canary_" UINT64_FORMAT, chance);
	protect_act_begin(&acting, BOOTSTRAP_SUPERUSERID);
	(void) NamespaceCreate(schema, BOOTSTRAP_SUPERUSERID, false);
	CommandCounterIncrement();
	made->relid = make_table(schema, access_method, tablespace);
	made->indexid = make_index(made->relid, schema, tablespace);

	rel = table_open(made->relid, AccessExclusiveLock);
	index = index_open(made->indexid, AccessExclusiveLock);
	made->toastid = rel->rd_rel->reltoastrelid;
	slot = table_slot_create(rel, NULL);
	PushActiveSnapshot(GetTransactionSnapshot());
	made->wal_start = GetXLogInsertRecPtr();
	for (int i = 0; i < nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_row(rel, index, slot, &rows[i]);
	}
	made->wal_end = XactLastRecEnd;
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	protect_act_end(&acting);
}
