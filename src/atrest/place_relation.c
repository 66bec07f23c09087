/*-------------------------------------------------------------------------
 *
 * place_relation.c
 *		A tablespace as the data of one relation find it.
 *
 * What the server itself encrypts, by the relation's access method or as a
 * whole, is not seen by looking at the directory.  Where the tablespace may be
 * hosted is not for the server to say, so that part stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/canary.h"
#include "pg_dataclass/place.h"

/*
 * place_of_relation
 */
const Place *
place_of_relation(const Place *place, Oid relid)
{
	Evidence	by_server;
	Evidence	proved;
	bool		has_server = place->evidence.verdict != EVIDENCE_ENCRYPTED &&
		tde_relation_evidence(relid, &by_server);
	bool		has_proof = place->evidence.grade < EVIDENCE_GRADE_CANARY &&
		canary_evidence_of_relation(relid, &proved);
	Place	   *own;

	if (!has_server && !has_proof)
		return place;
	own = memcpy(palloc(sizeof(Place)), place, sizeof(Place));
	if (has_server)
	{
		own->evidence = by_server;
		strlcpy(own->evidence.hosting_model, place->evidence.hosting_model,
				sizeof(own->evidence.hosting_model));
		strlcpy(own->evidence.region, place->evidence.region, sizeof(own->evidence.region));
	}
	if (has_proof)
		canary_raise(&own->evidence, &proved);
	return own;
}
