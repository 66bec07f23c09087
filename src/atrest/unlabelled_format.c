/*-------------------------------------------------------------------------
 *
 * unlabelled_format.c
 *		Does a value have the format of personal data?
 *
 * Pure, and for values that anybody may have written: no memory, no errors,
 * nothing kept, nothing read past the length given.  Formats with a check
 * digit are checked; those that any number may have are weak: they count only
 * with the name of the column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "pg_dataclass/unlabelled.h"

/* A value without the separators of its format; shape has d and a in place of digits and letters. */
typedef struct Reduced
{
	size_t		len;
	size_t		ndigits;
	char		chars[PERSONAL_MAX_VALUE + 1];	/* upper case, separators left out */
	char		shape[PERSONAL_MAX_VALUE + 1];	/* as written: d digit, a letter, else the byte */
	char		text[PERSONAL_MAX_VALUE + 1];	/* as written */
	size_t		text_len;
} Reduced;

/* ASCII alone: the locale of the server must not matter. */
static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static inline char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

/* False: longer than any of the formats, or bytes that none of them has. */
static bool
reduce(const char *value, size_t len, Reduced *r)
{
	while (len > 0 && value[len - 1] == ' ')
		len--;
	while (len > 0 && value[0] == ' ')
	{
		value++;
		len--;
	}
	if (len == 0 || len > PERSONAL_MAX_VALUE)
		return false;
	memset(r, 0, sizeof(*r));
	r->text_len = len;
	for (size_t i = 0; i < len; i++)
	{
		char		c = value[i];

		if (c < ' ' || c > '~')
			return false;
		r->text[i] = c;
		r->shape[i] = is_digit(c) ? 'd' : is_letter(c) ? 'a' : c;
		if (is_digit(c) || is_letter(c))
			r->chars[r->len++] = upper(c);
		r->ndigits += is_digit(c);
	}
	return true;
}

static inline bool
all_digits(const Reduced *r)
{
	return r->ndigits == r->len && r->len > 0;
}

/* Nothing but digits as written, too. */
static inline bool
bare_digits(const Reduced *r)
{
	return r->ndigits == r->text_len;
}

static bool
has_shape(const Reduced *r, const char *shape)
{
	return strcmp(r->shape, shape) == 0;
}

static int
number_at(const Reduced *r, size_t at, size_t n)
{
	int			value = 0;

	for (size_t i = 0; i < n; i++)
		value = value * 10 + (r->chars[at + i] - '0');
	return value;
}

/* Only digits, letters and these between them. */
static bool
separated_by(const Reduced *r, const char *separators)
{
	for (size_t i = 0; i < r->text_len; i++)
		if (r->shape[i] != 'd' && r->shape[i] != 'a' && strchr(separators, r->shape[i]) == NULL)
			return false;
	return true;
}

bool
personal_luhn(const char *digits, size_t len)
{
	int			sum = 0;

	for (size_t i = 0; i < len; i++)
	{
		int			d = digits[len - 1 - i] - '0';

		if (i % 2 == 1)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return len > 0 && sum % 10 == 0;
}

/* ISO 7064 over the whole, its first four moved to the end; letters count from 10. */
bool
personal_mod97(const char *iban, size_t len)
{
	int			rest = 0;

	if (len < 5)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		char		c = iban[(i + 4) % len];

		if (is_digit(c))
			rest = (rest * 10 + (c - '0')) % 97;
		else if (c >= 'A' && c <= 'Z')
			rest = (rest * 100 + (c - 'A' + 10)) % 97;
		else
			return false;
	}
	return rest == 1;
}

/* Pakistan, CNIC: province 1 to 7, family, sex. */
static bool
is_cnic(const Reduced *r)
{
	return has_shape(r, "ddddd-ddddddd-d") && r->chars[0] >= '1' && r->chars[0] <= '7';
}

/* United Kingdom, national insurance number. */
static bool
is_nino(const Reduced *r)
{
	static const char *const never[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"};

	if (r->len != 9 || r->ndigits != 6 || !separated_by(r, " ") ||
		!is_letter(r->chars[0]) || !is_letter(r->chars[1]) || r->chars[8] < 'A' || r->chars[8] > 'D' ||
		strchr("DFIQUV", r->chars[0]) || strchr("DFIOQUV", r->chars[1]))
		return false;
	for (int i = 0; i < lengthof(never); i++)
		if (strncmp(r->chars, never[i], 2) == 0)
			return false;
	return true;
}

/* Saudi Arabia, national identity (1) or iqama (2), ten digits with a check digit. */
static bool
is_saudi_id(const Reduced *r)
{
	return r->len == 10 && bare_digits(r) && (r->chars[0] == '1' || r->chars[0] == '2') &&
		personal_luhn(r->chars, 10);
}

/* United States, social security number. */
static bool
is_ssn_number(const Reduced *r)
{
	int			area = number_at(r, 0, 3);

	return area != 0 && area != 666 && area < 900 && number_at(r, 3, 2) != 0 && number_at(r, 5, 4) != 0;
}

/* Spain, DNI: the letter is the number modulo 23. */
static bool
is_dni(const Reduced *r)
{
	return (has_shape(r, "dddddddda") || has_shape(r, "dddddddd-a")) &&
		r->chars[8] == "TRWAGMYFPDXBNJZSQVHLCKE"[number_at(r, 0, 8) % 23];
}

/* Brazil, CPF: two check digits. */
static bool
is_cpf(const Reduced *r)
{
	if (!has_shape(r, "ddd.ddd.ddd-dd"))
		return false;
	for (int check = 9; check <= 10; check++)
	{
		int			sum = 0;

		for (int i = 0; i < check; i++)
			sum += (r->chars[i] - '0') * (check + 1 - i);
		if (sum * 10 % 11 % 10 != r->chars[check] - '0')
			return false;
	}
	return true;
}

static bool
is_national_id(const Reduced *r)
{
	return is_cnic(r) || is_nino(r) || is_saudi_id(r) ||
		(has_shape(r, "ddd-dd-dddd") && is_ssn_number(r)) || is_dni(r) || is_cpf(r);
}

/* With its country, in any grouping. */
static bool
is_e164(const Reduced *r)
{
	return r->text[0] == '+' && all_digits(r) && r->len >= 8 && r->len <= 15 && r->chars[0] != '0' &&
		strchr(r->text + 1, '+') == NULL && separated_by(r, "+ -.()");
}

/* As written at home: by prefix of mobile numbers, or by the grouping that only telephone numbers have. */
static bool
is_national_phone(const Reduced *r)
{
	static const char *const american[] = {"ddd-ddd-dddd", "(ddd) ddd-dddd", "(ddd)ddd-dddd", "ddd.ddd.dddd", "1-ddd-ddd-dddd"};

	if (!all_digits(r) || !separated_by(r, " -.()"))
		return false;
	for (int i = 0; i < lengthof(american); i++)
		if (has_shape(r, american[i]))
			return r->chars[0] >= '2' && r->chars[3] >= '2';
	/* no date or decimal number: separators that those do not have, or none */
	if (strchr(r->text, '.') != NULL || r->chars[0] != '0')
		return false;
	/* 0092 ...: abroad; mobile: Pakistan 03, United Kingdom 07 (11 digits), Saudi Arabia 05 (10) */
	if (r->chars[1] == '0')
		return r->chars[2] != '0' && r->len >= 11 && r->len <= 17;
	return (r->len == 11 && (r->chars[1] == '3' || r->chars[1] == '7')) || (r->len == 10 && r->chars[1] == '5');
}

static bool
is_email(const Reduced *r)
{
	const char *at = strchr(r->text, '@');
	const char *dot = strrchr(r->text, '.');
	size_t		tld = dot ? strlen(dot + 1) : 0;

	if (at == NULL || at == r->text || strchr(at + 1, '@') || dot == NULL || dot < at + 2 || tld < 2 ||
		at[-1] == '.' || at[1] == '.' || at[1] == '-')
		return false;
	for (const char *c = r->text; *c; c++)
		if (!is_digit(*c) && !is_letter(*c) && strchr(c < at ? "._%+-'" : ".-@", *c) == NULL)
			return false;
	for (const char *c = dot + 1; *c; c++)
		if (!is_letter(*c))
			return false;
	return strstr(at, "..") == NULL;
}

static bool
is_iban(const Reduced *r)
{
	return r->len >= 15 && r->len <= 34 && separated_by(r, " ") &&
		is_letter(r->chars[0]) && is_letter(r->chars[1]) && is_digit(r->chars[2]) && is_digit(r->chars[3]) &&
		personal_mod97(r->chars, r->len);
}

/* By the ranges that are issued. */
static bool
is_payment_card(const Reduced *r)
{
	int			two;
	int			four;

	if (!all_digits(r) || r->len < 13 || r->len > 19 || !separated_by(r, " -") || !personal_luhn(r->chars, r->len))
		return false;
	two = number_at(r, 0, 2);
	four = number_at(r, 0, 4);
	if (r->chars[0] == '4')
		return r->len == 13 || r->len == 16 || r->len == 19;
	if (two == 34 || two == 37)
		return r->len == 15;
	if (two == 36 || two == 38 || two == 30)
		return r->len == 14;
	if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720) || two == 35)
		return r->len == 16;
	return (four == 6011 || two == 65 || two == 62 || (four >= 6440 && four <= 6499)) && r->len >= 16;
}

/* A decimal number with at least that many decimals; moves on behind it. */
static bool
take_degrees(const char **text, double limit, int decimals)
{
	const char *c = *text;
	double		value = 0;
	double		unit = 1;
	int			before = 0;
	int			after = 0;

	if (*c == '-' || *c == '+')
		c++;
	for (; is_digit(*c); c++, before++)
		value = value * 10 + (*c - '0');
	if (*c == '.')
		for (c++; is_digit(*c); c++, after++)
			value += (*c - '0') * (unit /= 10);
	if (before == 0 || before > 3 || after < decimals || value > limit)
		return false;
	*text = c;
	return true;
}

static const char *
skip(const char *text, const char *these)
{
	while (*text && strchr(these, *text))
		text++;
	return text;
}

/* "33.6844, 73.0479", "geo:33.6844,73.0479", "POINT(73.0479 33.6844)" */
static bool
is_coordinates(const Reduced *r)
{
	const char *c = r->text;
	bool		wkt = pg_strncasecmp(c, "POINT", 5) == 0;
	bool		uri = strncmp(c, "geo:", 4) == 0;
	const char *gap;

	if (wkt)
		c = skip(c + 5, " (");
	else if (uri)
		c += 4;
	else
		c = skip(c, "( ");
	if (!take_degrees(&c, wkt ? 180 : 90, wkt || uri ? 0 : 3))
		return false;
	gap = c;
	c = skip(c, wkt ? " " : ", ;");
	if (c == gap || !take_degrees(&c, wkt ? 90 : 180, wkt || uri ? 0 : 3))
		return false;
	return *skip(c, ") ") == '\0';
}

static bool
is_ip_address(const Reduced *r)
{
	unsigned char address[sizeof(struct in6_addr)];

	return r->text_len >= 3 && r->text_len < INET6_ADDRSTRLEN &&
		(inet_pton(AF_INET, r->text, address) == 1 || inet_pton(AF_INET6, r->text, address) == 1);
}

/* What a name makes of it. */
static uint32
weak_kinds(const Reduced *r)
{
	uint32		kinds = 0;
	const char *c = r->text;

	if (all_digits(r) && separated_by(r, " -") &&
		((r->len == 13 && r->chars[0] >= '1' && r->chars[0] <= '7') || r->len == 10 || r->len == 12 ||
		 (r->len == 9 && is_ssn_number(r))))
		kinds |= PERSONAL_BIT(PERSONAL_NATIONAL_ID);
	if (all_digits(r) && r->len >= 7 && r->len <= 15 && separated_by(r, "+ -.()/"))
		kinds |= PERSONAL_BIT(PERSONAL_PHONE);
	if (r->len == r->text_len && r->len >= 7 && r->len <= 9 && r->ndigits >= 6 && r->ndigits + 2 >= r->len)
		kinds |= PERSONAL_BIT(PERSONAL_PASSPORT);
	if (take_degrees(&c, 180, 1) && *c == '\0')
		kinds |= PERSONAL_BIT(PERSONAL_COORDINATES);
	return kinds;
}

uint32
personal_by_value(const char *value, size_t len, uint32 *weak)
{
	Reduced		r;
	uint32		kinds = 0;

	*weak = 0;
	if (!reduce(value, len, &r))
		return 0;
	if (is_email(&r))
		return PERSONAL_BIT(PERSONAL_EMAIL);
	if (is_ip_address(&r))
		return PERSONAL_BIT(PERSONAL_IP_ADDRESS);
	if (is_coordinates(&r))
		return PERSONAL_BIT(PERSONAL_COORDINATES);
	if (is_national_id(&r))
		kinds |= PERSONAL_BIT(PERSONAL_NATIONAL_ID);
	if (is_e164(&r) || is_national_phone(&r))
		kinds |= PERSONAL_BIT(PERSONAL_PHONE);
	if (is_iban(&r))
		kinds |= PERSONAL_BIT(PERSONAL_IBAN);
	if (is_payment_card(&r))
		kinds |= PERSONAL_BIT(PERSONAL_PAYMENT_CARD);
	*weak = weak_kinds(&r) & ~kinds;
	return kinds;
}
