/*-------------------------------------------------------------------------
 *
 * label_id.c
 *		The content address of a label.
 *
 * Pure with respect to PostgreSQL; OpenSSL computes the hash.  The digest is
 * asked for by the EVP interface, so that a FIPS provider serves it where one
 * is configured.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "pg_dataclass/label.h"

/* 0 stands for "no id": the caller must fail then (SHA-256 was not to be had). */
uint64
label_id(const Label *label)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	uint64		id = 0;

	if (EVP_Digest(label->text, label->text_len, digest, &len, EVP_sha256(), NULL) != 1 ||
		len < sizeof(id))
		return 0;
	for (size_t i = 0; i < sizeof(id); i++)
		id = (id << 8) | digest[i];
	return id;
}
