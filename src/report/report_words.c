/*-------------------------------------------------------------------------
 *
 * report_words.c
 *		What the words of a report mean.
 *
 * Reports are read by people who have never seen the database.  Rules are
 * named in the trail by one word each; this is where the words are explained.
 * Test 119 asks the trail for rules that have no explanation here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/report_page.h"
#include "pg_dataclass/report_words.h"

typedef struct Word
{
	const char *word;
	const char *meaning;
} Word;

static const Word rules[] = {
	{"at_rest", "data may not lie on storage that is not shown to be encrypted as their class needs"},
	{"attestation", "a signed statement about the storage is missing, wrong or has expired"},
	{"auditor", "only an auditor may take this step"},
	{"authentication", "a login with a wrong password or by a way that is not allowed"},
	{"break_glass", "emergency access, which has to be looked at afterwards"},
	{"declassify", "lowering or removing a label needs a privilege of its own"},
	{"disclosure_window", "somebody who has to be told of a breach was not told in time"},
	{"dominance", "the clearance of the role does not cover the label of the data"},
	{"export", "taking data out of the database needs a privilege of its own"},
	{"forked", "the audit trail is not the one that was handed out before"},
	{"floor", "the label to be written lies below the lowest one that the role may write"},
	{"grant", "access to governed data may not be granted this way"},
	{"journal", "the audit trail was not recorded in the ordinary way for a while"},
	{"kept", "this table is written by the extension alone"},
	{"mask", "a masked column may not be used this way"},
	{"mask_key", "the key of masked values is for nobody to see"},
	{"no_clearance", "the role has no clearance at all"},
	{"officer", "only an officer of the data may do this"},
	{"privilege", "a privilege that this needs was never granted"},
	{"profile_impact", "a new policy would leave existing data without the protection that they need"},
	{"profile_rollback", "an older policy was to replace a newer one"},
	{"profile_version", "versions of the policy are written by the extension alone"},
	{"quarantine", "the data are shut off until an officer releases them"},
	{"reclassify", "raising a label needs a privilege of its own"},
	{"rewound", "the audit trail is shorter than it was"},
	{"row_security", "row security, which protects labelled rows, was to be switched off or avoided"},
	{"separation", "one person must not do both"},
	{"session_tier", "the connection is not as secure as the class of the data needs"},
	{"setting", "an attempt to change a setting of the protection"},
	{"signature", "the policy has to be signed, and this document is not, or not by a trusted key"},
	{"signed_policy", "the policy was signed, and may be changed by a signed document only"},
	{"trail_guard", "an attempt to change or remove the audit trail"},
	{"unknown_label", "the label is not one that the policy knows"}
};

static const Word words[] = {
	{"Breach", "an attempt to do what the policy forbids, or a duty that was not kept. It was recorded although it was refused"},
	{"Incident", "breaches of one rule by one role that lie close together. Each incident is followed from its discovery until it is closed"},
	{"Class and label", "how sensitive data are (the class), and whose they are (the words after the colon). Both together are the label"},
	{"Role", "the account that somebody used. \"Logged in as\" is the account that proved who it was"},
	{"Clearance", "the labels that an account may read"},
	{"Officer, auditor", "officers answer for the data and do what was decided; auditors are the side that is told, and decide"},
	{"Disclosure", "telling those outside who have to be told. Met: in time. Late: told, but too late. Overdue: not told, and the time is over. Pending: there is time left"},
	{"Tier", "how well a connection or a storage is protected, from baseline to highest. A class needs a tier"},
	{"Posture", "whether data lie where their class allows. Unknown counts as not allowed"},
	{"Trail, record", "the log of the protection itself. Records are chained by hashes and signed, so that a change is found"}
};

const char *
report_rule_meaning(const char *rule)
{
	for (int i = 0; rule != NULL && i < lengthof(rules); i++)
	{
		if (strcmp(rules[i].word, rule) == 0)
			return rules[i].meaning;
	}
	return NULL;
}

void
page_words(StringInfo out)
{
	page_section(out, "words", "What the words mean");
	appendStringInfoString(out, "<dl class=\"words\">\n");
	for (int i = 0; i < lengthof(words); i++)
		appendStringInfo(out, "<div><dt>%s</dt><dd>%s.</dd></div>\n", words[i].word, words[i].meaning);
	appendStringInfoString(out, "</dl>\n");
	page_section_end(out);
}
