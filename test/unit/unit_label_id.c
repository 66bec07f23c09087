/*-------------------------------------------------------------------------
 *
 * unit_label_id.c
 *		Ids of labels against digests computed with sha256sum:
 *		printf %s LABEL | sha256sum | cut -c1-16
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/label.h"
#include "tap.h"

static const struct
{
	const char *input;
	uint64		id;
}			known[] =
{
	{"a", UINT64CONST(0xca978112ca1bbdca)},
	{"open", UINT64CONST(0x2348f99874421257)},
	{"public", UINT64CONST(0xefa1f375d76194fa)},
	{"confidential", UINT64CONST(0x3151084286f59511)},
	{"secret:health", UINT64CONST(0x1680a4f7bfb5a999)},
	{"confidential:health,punjab|sindh", UINT64CONST(0x13b7fccc6e8bdab0)},
	/* written otherwise, the same label */
	{" OPEN ", UINT64CONST(0x2348f99874421257)},
	{"Secret : Health , Health.Punjab", UINT64CONST(0x1680a4f7bfb5a999)},
	{"confidential:sindh|punjab,health,health|x", UINT64CONST(0x13b7fccc6e8bdab0)},
};

int
main(void)
{
	for (size_t i = 0; i < lengthof(known); i++)
	{
		Label		label;
		LabelError	error;

		if (!tap_ok(label_parse(known[i].input, strlen(known[i].input), &label, &error) &&
					label_id(&label) == known[i].id, "id of \"%s\"", known[i].input))
			tap_note("got %016llx", (unsigned long long) label_id(&label));
	}
	return tap_done();
}
