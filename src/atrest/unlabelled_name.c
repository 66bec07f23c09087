/*-------------------------------------------------------------------------
 *
 * unlabelled_name.c
 *		What the names of columns and types say of personal data.
 *
 * Pure.  Names are cut into words at anything that is no letter or digit and
 * where small letters meet capitals; a term of several words must follow each
 * other in the name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/unlabelled.h"

#define SHAPES_ALL		0xf
#define SHAPE_BIT(s)	(1 << (s))
#define TEXT_OR_NUMBER	(SHAPE_BIT(SHAPE_TEXT) | SHAPE_BIT(SHAPE_NUMBER))
#define TEXT_OR_OTHER	(SHAPE_BIT(SHAPE_TEXT) | SHAPE_BIT(SHAPE_OTHER))

typedef struct Term
{
	const char *words;			/* lower case, between blanks */
	PersonalKind kind;
	int			shapes;			/* of columns for which the term means something */
} Term;

static const Term terms[] = {
	{"cnic", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"nicop", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"nic", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"nino", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"iqama", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"ssn", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"aadhaar", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"social security", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"national insurance", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"national id", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"national identity", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"nationalid", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"identity card", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"identity number", PERSONAL_NATIONAL_ID, TEXT_OR_NUMBER},
	{"passport", PERSONAL_PASSPORT, TEXT_OR_NUMBER},
	{"phone", PERSONAL_PHONE, TEXT_OR_NUMBER},
	{"telephone", PERSONAL_PHONE, TEXT_OR_NUMBER},
	{"tel", PERSONAL_PHONE, TEXT_OR_NUMBER},
	{"mobile", PERSONAL_PHONE, TEXT_OR_NUMBER},
	{"cellphone", PERSONAL_PHONE, TEXT_OR_NUMBER},
	{"msisdn", PERSONAL_PHONE, TEXT_OR_NUMBER},
	{"fax", PERSONAL_PHONE, TEXT_OR_NUMBER},
	{"email", PERSONAL_EMAIL, SHAPE_BIT(SHAPE_TEXT)},
	{"e mail", PERSONAL_EMAIL, SHAPE_BIT(SHAPE_TEXT)},
	{"mail address", PERSONAL_EMAIL, SHAPE_BIT(SHAPE_TEXT)},
	{"iban", PERSONAL_IBAN, SHAPE_BIT(SHAPE_TEXT)},
	{"bank account", PERSONAL_IBAN, TEXT_OR_NUMBER},
	{"card number", PERSONAL_PAYMENT_CARD, TEXT_OR_NUMBER},
	{"card no", PERSONAL_PAYMENT_CARD, TEXT_OR_NUMBER},
	{"credit card", PERSONAL_PAYMENT_CARD, TEXT_OR_NUMBER},
	{"debit card", PERSONAL_PAYMENT_CARD, TEXT_OR_NUMBER},
	{"lat", PERSONAL_COORDINATES, TEXT_OR_NUMBER},
	{"latitude", PERSONAL_COORDINATES, TEXT_OR_NUMBER},
	{"lon", PERSONAL_COORDINATES, TEXT_OR_NUMBER},
	{"lng", PERSONAL_COORDINATES, TEXT_OR_NUMBER},
	{"longitude", PERSONAL_COORDINATES, TEXT_OR_NUMBER},
	{"coordinates", PERSONAL_COORDINATES, SHAPES_ALL},
	{"gps", PERSONAL_COORDINATES, SHAPES_ALL},
	{"geolocation", PERSONAL_COORDINATES, SHAPES_ALL},
	{"dob", PERSONAL_BIRTH, SHAPES_ALL},
	{"birth", PERSONAL_BIRTH, SHAPES_ALL},
	{"birthdate", PERSONAL_BIRTH, SHAPES_ALL},
	{"birthday", PERSONAL_BIRTH, SHAPES_ALL},
	{"birthplace", PERSONAL_BIRTH, SHAPES_ALL},
	{"diagnosis", PERSONAL_HEALTH, SHAPES_ALL},
	{"disease", PERSONAL_HEALTH, SHAPES_ALL},
	{"allergy", PERSONAL_HEALTH, SHAPES_ALL},
	{"allergies", PERSONAL_HEALTH, SHAPES_ALL},
	{"blood group", PERSONAL_HEALTH, SHAPES_ALL},
	{"blood type", PERSONAL_HEALTH, SHAPES_ALL},
	{"disability", PERSONAL_HEALTH, SHAPES_ALL},
	{"hiv", PERSONAL_HEALTH, SHAPES_ALL},
	{"medical", PERSONAL_HEALTH, SHAPES_ALL},
	{"medication", PERSONAL_HEALTH, SHAPES_ALL},
	{"patient", PERSONAL_HEALTH, SHAPES_ALL},
	{"prescription", PERSONAL_HEALTH, SHAPES_ALL},
	{"pregnant", PERSONAL_HEALTH, SHAPES_ALL},
	{"icd10", PERSONAL_HEALTH, SHAPES_ALL},
	{"biometric", PERSONAL_BIOMETRIC, SHAPES_ALL},
	{"biometrics", PERSONAL_BIOMETRIC, SHAPES_ALL},
	{"fingerprint", PERSONAL_BIOMETRIC, SHAPES_ALL},
	{"fingerprints", PERSONAL_BIOMETRIC, SHAPES_ALL},
	{"iris", PERSONAL_BIOMETRIC, SHAPES_ALL},
	{"retina", PERSONAL_BIOMETRIC, SHAPES_ALL},
	{"dna", PERSONAL_BIOMETRIC, SHAPES_ALL},
	{"face template", PERSONAL_BIOMETRIC, SHAPES_ALL},
	{"voiceprint", PERSONAL_BIOMETRIC, SHAPES_ALL},
	{"ip", PERSONAL_IP_ADDRESS, TEXT_OR_OTHER},
	{"ipaddress", PERSONAL_IP_ADDRESS, TEXT_OR_OTHER},
	{"ipaddr", PERSONAL_IP_ADDRESS, TEXT_OR_OTHER},
	{"remote addr", PERSONAL_IP_ADDRESS, TEXT_OR_OTHER},
	{"client addr", PERSONAL_IP_ADDRESS, TEXT_OR_OTHER},
	{"first name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"firstname", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"last name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"lastname", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"middle name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"full name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"fullname", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"family name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"given name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"maiden name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"father name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"fathers name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"mothers name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"mother name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"husband name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"person name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"patient name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"customer name", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"surname", PERSONAL_NAME, SHAPE_BIT(SHAPE_TEXT)},
	{"address", PERSONAL_ADDRESS, TEXT_OR_OTHER},
	{"street", PERSONAL_ADDRESS, SHAPE_BIT(SHAPE_TEXT)},
	{"postcode", PERSONAL_ADDRESS, TEXT_OR_NUMBER},
	{"postal code", PERSONAL_ADDRESS, TEXT_OR_NUMBER},
	{"zip", PERSONAL_ADDRESS, TEXT_OR_NUMBER},
	{"zipcode", PERSONAL_ADDRESS, TEXT_OR_NUMBER},
};

const char *
personal_kind_name(PersonalKind kind)
{
	switch (kind)
	{
		case PERSONAL_NATIONAL_ID:
			return "national_id";
		case PERSONAL_PASSPORT:
			return "passport";
		case PERSONAL_PHONE:
			return "phone";
		case PERSONAL_EMAIL:
			return "email";
		case PERSONAL_IBAN:
			return "iban";
		case PERSONAL_PAYMENT_CARD:
			return "payment_card";
		case PERSONAL_COORDINATES:
			return "coordinates";
		case PERSONAL_BIRTH:
			return "birth";
		case PERSONAL_HEALTH:
			return "health";
		case PERSONAL_BIOMETRIC:
			return "biometric";
		case PERSONAL_IP_ADDRESS:
			return "ip_address";
		case PERSONAL_NAME:
			return "name";
		case PERSONAL_ADDRESS:
			return "address";
	}
	return "unknown";
}

bool
personal_kind_is_sensitive(PersonalKind kind)
{
	switch (kind)
	{
		case PERSONAL_NATIONAL_ID:
		case PERSONAL_PASSPORT:
		case PERSONAL_IBAN:
		case PERSONAL_PAYMENT_CARD:
		case PERSONAL_HEALTH:
		case PERSONAL_BIOMETRIC:
			return true;
		case PERSONAL_PHONE:
		case PERSONAL_EMAIL:
		case PERSONAL_COORDINATES:
		case PERSONAL_BIRTH:
		case PERSONAL_IP_ADDRESS:
		case PERSONAL_NAME:
		case PERSONAL_ADDRESS:
			return false;
	}
	return true;
}

/* " first name " of "FirstName" or "first_name": small, blanks around each word. */
static void
words_of(const char *name, char *words, size_t size)
{
	size_t		n = 0;
	bool		was_small = false;

	words[n++] = ' ';
	for (const char *c = name; *c && n + 4 < size; c++)
	{
		bool		big = *c >= 'A' && *c <= 'Z';
		bool		small = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');

		if ((big && was_small) || (!big && !small))
			if (words[n - 1] != ' ')
				words[n++] = ' ';
		if (big || small)
			words[n++] = big ? *c - 'A' + 'a' : *c;
		was_small = small;
	}
	if (words[n - 1] != ' ')
		words[n++] = ' ';
	words[n] = '\0';
}

uint32
personal_by_name(const char *name, PersonalShape shape)
{
	char		words[160];		/* twice a name, and blanks */
	char		term[64];
	uint32		kinds = 0;

	words_of(name, words, sizeof(words));
	for (int i = 0; i < lengthof(terms); i++)
	{
		if (!(terms[i].shapes & SHAPE_BIT(shape)))
			continue;
		term[0] = ' ';
		strlcpy(term + 1, terms[i].words, sizeof(term) - 2);
		strlcat(term, " ", sizeof(term));
		if (strstr(words, term))
			kinds |= PERSONAL_BIT(terms[i].kind);
	}
	/* of e-mail, of a network: no place where somebody lives */
	if (kinds & (PERSONAL_BIT(PERSONAL_EMAIL) | PERSONAL_BIT(PERSONAL_IP_ADDRESS)) || strstr(words, " mac address "))
		kinds &= ~PERSONAL_BIT(PERSONAL_ADDRESS);
	return kinds;
}

uint32
personal_by_type(const char *type)
{
	if (strcmp(type, "inet") == 0 || strcmp(type, "cidr") == 0)
		return PERSONAL_BIT(PERSONAL_IP_ADDRESS);
	if (strcmp(type, "point") == 0 || strcmp(type, "geometry") == 0 || strcmp(type, "geography") == 0)
		return PERSONAL_BIT(PERSONAL_COORDINATES);
	if (strcmp(type, "email") == 0 || strcmp(type, "emailaddress") == 0)
		return PERSONAL_BIT(PERSONAL_EMAIL);
	return 0;
}
