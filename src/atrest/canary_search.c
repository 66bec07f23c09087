/*-------------------------------------------------------------------------
 *
 * canary_search.c
 *		Looking for markers in a stream of bytes, and what their absence says.
 *
 * Pure: no memory, no errors, no server.  A stream may be cut anywhere; the
 * last bytes of one part are looked at again with the first of the next, so
 * that no needle is lost at the cut.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/canary.h"

static inline unsigned int
prefix_of(const unsigned char *bytes)
{
	return (unsigned int) bytes[0] << 8 | bytes[1];
}

void
canary_search_init(CanarySearch *search, CanaryNeedle *needles, int nneedles)
{
	memset(search, 0, sizeof(*search));
	search->needles = needles;
	search->nneedles = nneedles;
	search->all_zero = true;
	for (int i = 0; i < nneedles; i++)
	{
		unsigned int prefix = prefix_of(needles[i].bytes);

		needles[i].found = false;
		search->prefixes[prefix / 8] |= 1 << prefix % 8;
	}
}

static void
look_at(CanarySearch *search, const unsigned char *at)
{
	for (int i = 0; i < search->nneedles; i++)
		if (memcmp(search->needles[i].bytes, at, CANARY_NEEDLE_BYTES) == 0)
			search->needles[i].found = true;
}

/* Every position at which a whole needle lies within the bytes. */
static void
look_through(CanarySearch *search, const unsigned char *data, size_t len)
{
	for (size_t i = 0; i + CANARY_NEEDLE_BYTES <= len; i++)
	{
		unsigned int prefix = prefix_of(data + i);

		if (search->prefixes[prefix / 8] & 1 << prefix % 8)
			look_at(search, data + i);
	}
}

void
canary_search_feed(CanarySearch *search, const unsigned char *data, size_t len)
{
	unsigned char seam[2 * (CANARY_NEEDLE_BYTES - 1)];
	size_t		head = Min(len, CANARY_NEEDLE_BYTES - 1);
	size_t		seam_len = search->tail_len + head;

	if (len == 0)
		return;
	memcpy(seam, search->tail, search->tail_len);
	memcpy(seam + search->tail_len, data, head);
	look_through(search, seam, seam_len);
	look_through(search, data, len);

	for (size_t i = 0; search->all_zero && i < len; i++)
		search->all_zero = data[i] == 0;
	search->bytes += len;
	if (len >= sizeof(search->tail))
	{
		memcpy(search->tail, data + len - sizeof(search->tail), sizeof(search->tail));
		search->tail_len = sizeof(search->tail);
	}
	else
	{
		size_t		keep = Min(seam_len, sizeof(search->tail));

		memcpy(search->tail, seam + seam_len - keep, keep);
		search->tail_len = keep;
	}
}

void
canary_search_break(CanarySearch *search)
{
	search->tail_len = 0;
}

int
canary_search_found(const CanarySearch *search)
{
	int			found = 0;

	for (int i = 0; i < search->nneedles; i++)
		found += search->needles[i].found;
	return found;
}

EvidenceVerdict
canary_judge_place(const CanaryPlace *place)
{
	/* what was found was found, however little was read */
	if (place->found > 0)
		return EVIDENCE_PLAIN;
	if (!place->readable || place->markers == 0 || place->bytes_due == 0 || place->bytes_read < place->bytes_due)
		return EVIDENCE_UNKNOWN;
	return EVIDENCE_ENCRYPTED;
}

EvidenceVerdict
canary_judge(const CanaryPlace *places, int nplaces, bool control)
{
	EvidenceVerdict verdict = EVIDENCE_ENCRYPTED;
	int			looked_at = 0;

	for (int i = 0; i < nplaces; i++)
	{
		if (!places[i].applies)
			continue;
		looked_at++;
		switch (canary_judge_place(&places[i]))
		{
			case EVIDENCE_PLAIN:
				return EVIDENCE_PLAIN;
			case EVIDENCE_UNKNOWN:
				verdict = EVIDENCE_UNKNOWN;
				break;
			case EVIDENCE_ENCRYPTED:
				break;
		}
	}
	return control && looked_at > 0 ? verdict : EVIDENCE_UNKNOWN;
}
