/*-------------------------------------------------------------------------
 *
 * dataclass_verify.c
 *		Checks exported trails, proofs and checkpoints without PostgreSQL.
 *
 * Needs libc and libcrypto.  Exit status: 0 when all that was asked holds, 1
 * when something does not (named on standard output), 2 when it could not be
 * found out (on standard error).
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "verify.h"

static const char usage_text[] =
"usage: dataclass_verify COMMAND [OPTION ...] [FILE ...]\n"
"\n"
"  trail [--key KEY --checkpoint FILE ...] [FILE ...]\n"
"        exported trail, in parts if it is more than one; with checkpoints: that it is\n"
"        the one that was signed.  --proof FILE: a consistency proof from its end on\n"
"  inclusion --key KEY --proof FILE [FILE]\n"
"        that the record of the proof, exported in FILE, is in the trail\n"
"  consistency --key KEY --old CHECKPOINT FILE\n"
"        that the trail of the proof's checkpoint goes on with the old one\n"
"  checkpoint --key KEY FILE\n"
"        the signature of a checkpoint\n"
"  show [--seq N] [FILE ...]\n"
"        print records\n"
"\n"
"  --key KEY      verifier key name+id+base64, or a file with one, or a PEM file of a\n"
"                 public key; may be given more than once\n"
"  --origin NAME  name of keys that come without one (PEM)\n"
"  --json         one JSON object a line\n"
"\n"
"Exit status: 0 all holds, 1 something does not, 2 it could not be found out.\n";

static int
usage(const char *what)
{
	if (what != NULL)
		fprintf(stderr, "dataclass_verify: %s\n", what);
	fputs(usage_text, stderr);
	return EXIT_TROUBLE;
}

int
load_checkpoint(const Options *options, const char *name, char **text, Checkpoint *checkpoint)
{
	const char *error;
	size_t		len;

	*text = input_file(name, &len);
	if (*text == NULL)
		return EXIT_TROUBLE;
	if (checkpoint_verify(*text, len, options->key, options->nkeys, checkpoint, &error))
		return EXIT_HOLDS;
	report_bad("checkpoint", name, 0, error);
	return EXIT_BAD;
}

int
command_checkpoint(const Options *options)
{
	char	   *text;
	char		root[TRAIL_HASH_CHARS + 1];
	Checkpoint	checkpoint;
	int			status = load_checkpoint(options, options->nfiles > 0 ? options->files[0] : "-", &text, &checkpoint);

	if (status == EXIT_HOLDS)
	{
		trail_base64_encode(checkpoint.root, AUDIT_HASH_SIZE, root, sizeof(root));
		report_ok("checkpoint", "%.*s, size %lld, root %s", (int) checkpoint.origin_len, checkpoint.origin,
				  (long long) checkpoint.size, root);
	}
	free(text);
	return status;
}

int
command_consistency(const Options *options)
{
	const char *name = options->nfiles > 0 ? options->files[0] : "-";
	const char *error = NULL;
	char	   *old_text = NULL;
	Checkpoint	old;
	Checkpoint	new;
	Proof		proof;
	size_t		len;
	char	   *text = input_file(name, &len);
	int			status = text == NULL ? EXIT_TROUBLE : load_checkpoint(options, options->old, &old_text, &old);

	if (status == EXIT_HOLDS &&
		(!consistency_parse(text, len, &proof, &error) ||
		 !checkpoint_verify(proof.note, proof.note_len, options->key, options->nkeys, &new, &error) ||
		 ((old.origin_len != new.origin_len || memcmp(old.origin, new.origin, old.origin_len) != 0) &&
		  (error = "the checkpoints are of different origins")) ||
		 (proof.number != old.size && (error = "the proof is about another size than that of the old checkpoint")) ||
		 !consistency_holds(&proof, old.root, new.size, new.root, &error)))
	{
		report_bad("consistency", name, 0, error);
		status = EXIT_BAD;
	}
	if (status == EXIT_HOLDS)
		report_ok("consistency", "the trail of %lld records goes on with the one of %lld",
				  (long long) new.size, (long long) old.size);
	free(old_text);
	free(text);
	return status;
}

/* A key as it stands on the command line, or a file with one. */
static bool
add_key(Options *options, const char *value)
{
	const char *error = NULL;
	char	   *text = NULL;
	size_t		len;
	bool		ok;

	if (options->nkeys == KEYS_MAX)
		return usage("too many keys") == EXIT_HOLDS;
	ok = key_parse(value, strlen(value), &options->key[options->nkeys], &error);
	if (!ok)
	{
		FILE	   *file = fopen(value, "rb");

		if (file == NULL)
			return report_trouble(value, error) == EXIT_HOLDS;
		fclose(file);
		text = input_file(value, &len);
		if (text == NULL)
			return false;
		ok = key_parse(text, len, &options->key[options->nkeys], &error);
		free(text);
	}
	if (!ok)
		return report_trouble(value, error) == EXIT_HOLDS;
	options->nkeys++;
	return true;
}

static bool
set_origin(Options *options, const char *origin)
{
	if (origin == NULL)
		return true;
	if (strlen(origin) >= KEY_NAME_MAX)
		return usage("the origin is too long") == EXIT_HOLDS;
	for (int i = 0; i < options->nkeys; i++)
	{
		if (options->key[i].name[0] == '\0')
			strcpy(options->key[i].name, origin);
	}
	return true;
}

/* Options and files; false after a message. */
static bool
parse_options(int argc, char **argv, Options *options)
{
	const char *origin = NULL;
	int			nfiles = 0;

	for (int i = 0; i < argc; i++)
	{
		const char *option = argv[i];
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (option[0] != '-' || option[1] == '\0')
		{
			argv[nfiles++] = argv[i];
			continue;
		}
		if (strcmp(option, "--json") == 0)
		{
			report_json = true;
			continue;
		}
		if (value == NULL)
			return usage("unknown option, or one without its value") == EXIT_HOLDS;
		i++;
		if (strcmp(option, "--key") == 0)
		{
			if (!add_key(options, value))
				return false;
		}
		else if (strcmp(option, "--checkpoint") == 0 && options->ncheckpoints < CHECKPOINTS_MAX)
			options->checkpoint[options->ncheckpoints++] = value;
		else if (strcmp(option, "--proof") == 0)
			options->proof = value;
		else if (strcmp(option, "--old") == 0)
			options->old = value;
		else if (strcmp(option, "--origin") == 0)
			origin = value;
		else if (strcmp(option, "--seq") != 0 || !trail_number(value, strlen(value), &options->seq) || options->seq < 1)
			return usage("unknown option, or a value that makes no sense") == EXIT_HOLDS;
	}
	options->files = (const char *const *) argv;
	options->nfiles = nfiles;
	return set_origin(options, origin);
}

static int
run(const char *command, const Options *options)
{
	bool		needs_key = options->ncheckpoints > 0 || options->proof != NULL || options->old != NULL;

	if (needs_key && options->nkeys == 0)
		return usage("what is signed can be checked with a key only");
	if (strcmp(command, "trail") == 0)
	{
		if (options->nkeys > 0 && !needs_key)
			return usage("a trail is compared with a checkpoint: name one with --checkpoint");
		return command_trail(options);
	}
	if (strcmp(command, "show") == 0)
		return command_show(options);
	if (strcmp(command, "inclusion") == 0 && options->proof != NULL)
		return command_inclusion(options);
	if (strcmp(command, "consistency") == 0 && options->old != NULL && options->nfiles == 1)
		return command_consistency(options);
	if (strcmp(command, "checkpoint") == 0 && options->nkeys > 0 && options->nfiles <= 1)
		return command_checkpoint(options);
	return usage("unknown command, or something is missing");
}

int
main(int argc, char **argv)
{
	static Options options;
	int			status;

	if (argc < 2)
		return usage(NULL);
	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
		{
			fputs(usage_text, stdout);
			return EXIT_HOLDS;
		}
	}
	if (!parse_options(argc - 2, argv + 2, &options))
		return EXIT_TROUBLE;
	status = run(argv[1], &options);
	/* A finding that could not be written was not told. */
	if (fflush(stdout) != 0 || ferror(stdout))
		return report_trouble("standard output", "the result could not be written");
	return status;
}
