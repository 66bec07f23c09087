/*-------------------------------------------------------------------------
 *
 * verify_trail.c
 *		Commands that read a trail: check it, show its records.
 *
 * Several files are one trail in parts, in the order given.  Each checkpoint
 * within the trail must have the root that the records give at its size, and
 * the trail must end at the last one: what lies behind is signed by nobody.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"

typedef struct TrailCheck
{
	const Options *options;
	TrailReader reader;
	Checkpoint	checkpoint[CHECKPOINTS_MAX];
	char	   *text[CHECKPOINTS_MAX];
	bool		met[CHECKPOINTS_MAX];
	int64_t		covered;		/* highest checkpoint that fits so far */
	int			status;
} TrailCheck;

static int
fail(TrailCheck *check, const char *what, const char *name, int64_t seq, const char *reason)
{
	report_bad(what, name, seq, reason);
	return check->status = EXIT_BAD;
}

/* The tree has grown by a record: compare with checkpoints of this size. */
static int
compare_checkpoints(TrailCheck *check)
{
	uint8_t		root[AUDIT_HASH_SIZE];
	int64_t		size = (int64_t) check->reader.frontier.size;

	for (int i = 0; i < check->options->ncheckpoints; i++)
	{
		char		reason[256];

		if (check->met[i] || check->checkpoint[i].size != size)
			continue;
		if (!merkle_root(&check->reader.frontier, root))
			return check->status = report_trouble("libcrypto", "the root could not be computed");
		if (memcmp(root, check->checkpoint[i].root, AUDIT_HASH_SIZE) != 0)
		{
			snprintf(reason, sizeof(reason),
					 "a record from this one to %lld is not the one under the signature: the root of the checkpoint is another",
					 (long long) size);
			return fail(check, "checkpoint", check->options->checkpoint[i], check->covered + 1, reason);
		}
		check->met[i] = true;
		check->covered = size;
	}
	return EXIT_HOLDS;
}

static bool
wants_checkpoint(const TrailCheck *check)
{
	for (int i = 0; i < check->options->ncheckpoints; i++)
	{
		if (check->checkpoint[i].size == (int64_t) check->reader.frontier.size && !check->met[i])
			return true;
	}
	return false;
}

typedef int (*line_work) (TrailCheck *check, TrailLine line);

/* Status of the whole file. */
static int
read_file(TrailCheck *check, const char *name, line_work work)
{
	static LineInput input;
	LineResult	result;
	const char *line;
	size_t		len;

	if (!input_open(&input, name))
		return check->status = report_trouble(input.name, strerror(errno));
	while (check->status == EXIT_HOLDS && (result = input_line(&input, &line, &len)) != LINE_END)
	{
		TrailReader *reader = &check->reader;
		TrailLine	kind;

		if (result == LINE_FAILED)
			check->status = report_trouble(input.name, strerror(errno));
		else if (result != LINE_READ)
			fail(check, "trail", input.name, reader->broken ? reader->broken - 1 : reader->next,
				 result == LINE_TOO_LONG ? "the line is too long" : "the last line breaks off");
		else if ((kind = trail_reader_line(reader, line, len)) == TRAIL_BAD)
			fail(check, "trail", input.name, reader->bad, reader->error);
		else
			check->status = work(check, kind);
	}
	input_close(&input);
	return check->status;
}

static void
free_checkpoints(TrailCheck *check)
{
	for (int i = 0; i < check->options->ncheckpoints; i++)
		free(check->text[i]);
}

/* All files; the end of the last one. */
static int
read_all(TrailCheck *check, line_work work)
{
	static const char *const standard_input[] = {"-"};
	const Options *options = check->options;
	const char *const *files = options->nfiles > 0 ? options->files : standard_input;
	int			nfiles = options->nfiles > 0 ? options->nfiles : 1;

	for (int i = 0; i < nfiles && check->status == EXIT_HOLDS; i++)
		read_file(check, files[i], work);
	if (check->status == EXIT_HOLDS && !trail_reader_finish(&check->reader))
		fail(check, "trail", files[nfiles - 1], check->reader.bad, check->reader.error);
	return check->status;
}

static int
check_line(TrailCheck *check, TrailLine line)
{
	if (line == TRAIL_HEADER && check->covered == 0)
		check->covered = check->reader.from - 1;
	if (check->options->ncheckpoints > 0 && wants_checkpoint(check))
		return compare_checkpoints(check);
	return EXIT_HOLDS;
}

/* The tree at the end of the trail is the beginning of a later one that is signed. */
static int
check_extension(TrailCheck *check)
{
	const Options *options = check->options;
	const char *error = NULL;
	Checkpoint	checkpoint;
	Proof		proof;
	size_t		len;
	char	   *text = input_file(options->proof, &len);

	if (text == NULL)
		return EXIT_TROUBLE;
	if (!consistency_parse(text, len, &proof, &error) ||
		!checkpoint_verify(proof.note, proof.note_len, options->key, options->nkeys, &checkpoint, &error) ||
		(proof.number != check->reader.next - 1 && (error = "the proof does not begin where the trail ends")) ||
		!consistency_holds(&proof, check->reader.root, checkpoint.size, checkpoint.root, &error))
		fail(check, "consistency", options->proof, 0, error);
	else
	{
		check->covered = proof.number;
		report_ok("consistency", "the trail is the beginning of the one that the checkpoint of size %lld signs",
				  (long long) checkpoint.size);
	}
	free(text);
	return check->status;
}

/* Nothing may be left that the caller asked about or that nobody signed. */
static int
check_covered(TrailCheck *check)
{
	int64_t		last = check->reader.next - 1;

	for (int i = 0; i < check->options->ncheckpoints; i++)
	{
		const Checkpoint *checkpoint = &check->checkpoint[i];

		if (check->met[i])
			continue;
		if (checkpoint->size > last)
			return fail(check, "checkpoint", check->options->checkpoint[i], last + 1,
						"the record is missing: the checkpoint is of a longer trail");
		return fail(check, "checkpoint", check->options->checkpoint[i], 0,
					"the trail begins behind the checkpoint: give the parts before, too");
	}
	if (check->covered < last)
		return fail(check, "checkpoint", "end of the trail", check->covered + 1,
					"the record is under no checkpoint that was given");
	return EXIT_HOLDS;
}

int
command_trail(const Options *options)
{
	static TrailCheck check;
	char		root[TRAIL_HASH_CHARS + 1];

	check.options = options;
	trail_reader_init(&check.reader);
	for (int i = 0; i < options->ncheckpoints && check.status == EXIT_HOLDS; i++)
		check.status = load_checkpoint(options, options->checkpoint[i], &check.text[i], &check.checkpoint[i]);
	if (check.status == EXIT_HOLDS)
		read_all(&check, check_line);
	if (check.status == EXIT_HOLDS && options->proof != NULL)
		check_extension(&check);
	if (check.status == EXIT_HOLDS && options->nkeys > 0)
		check_covered(&check);
	if (check.status == EXIT_HOLDS)
	{
		trail_base64_encode(check.reader.root, AUDIT_HASH_SIZE, root, sizeof(root));
		report_ok("trail", "records %lld to %lld, root %s, %s",
				  (long long) check.reader.from, (long long) check.reader.next - 1, root,
				  options->nkeys > 0 ? "signed" : "compared with no checkpoint");
	}
	free_checkpoints(&check);
	return check.status;
}

static int
show_line(TrailCheck *check, TrailLine line)
{
	if (line == TRAIL_RECORD && (check->options->seq == 0 || check->options->seq == check->reader.place.seq))
	{
		check->met[0] = true;
		report_record(&check->reader);
	}
	return EXIT_HOLDS;
}

int
command_show(const Options *options)
{
	static TrailCheck check;

	check.options = options;
	trail_reader_init(&check.reader);
	if (read_all(&check, show_line) == EXIT_HOLDS && options->seq != 0 && !check.met[0])
		fail(&check, "trail", "records", options->seq, "there is no such record");
	return check.status;
}

/* Keeps the hash of the record that the proof is about. */
static int
find_line(TrailCheck *check, TrailLine line)
{
	if (line == TRAIL_RECORD && check->options->seq == check->reader.place.seq)
	{
		check->met[0] = true;
		memcpy(check->checkpoint[0].root, check->reader.leaf_hash, AUDIT_HASH_SIZE);
	}
	return EXIT_HOLDS;
}

/*
 * The record stands in an export.  Of an export of one record the tree before
 * it may be anything: the proof is what binds it.
 */
int
command_inclusion(const Options *options)
{
	static TrailCheck check;
	Options		find = *options;
	const char *error = NULL;
	Checkpoint	checkpoint;
	Proof		proof;
	size_t		len;
	char	   *text = input_file(options->proof, &len);

	if (text == NULL)
		return EXIT_TROUBLE;
	check.options = &find;
	trail_reader_init(&check.reader);
	find.ncheckpoints = 0;
	if (!inclusion_parse(text, len, &proof, &error) ||
		!checkpoint_verify(proof.note, proof.note_len, options->key, options->nkeys, &checkpoint, &error))
		fail(&check, "inclusion", options->proof, 0, error);
	else if (proof.number >= checkpoint.size)
		fail(&check, "inclusion", options->proof, 0, "the index lies outside of the tree of the checkpoint");
	else
	{
		find.seq = proof.number + 1;
		read_all(&check, find_line);
	}
	if (check.status == EXIT_HOLDS && !check.met[0])
		fail(&check, "inclusion", options->proof, find.seq, "the record that the proof is about is not in the trail given");
	if (check.status == EXIT_HOLDS &&
		!inclusion_holds(&proof, check.checkpoint[0].root, checkpoint.size, checkpoint.root, &error))
		fail(&check, "inclusion", options->proof, find.seq, error);
	if (check.status == EXIT_HOLDS)
		report_ok("inclusion", "record %lld is in the trail of %lld records that the checkpoint signs",
				  (long long) find.seq, (long long) checkpoint.size);
	free(text);
	return check.status;
}
