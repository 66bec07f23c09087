/*-------------------------------------------------------------------------
 *
 * notice_command.c
 *		Runs dataclass.breach_command.
 *
 * A child per notice, in a process group of its own, with the document on its
 * standard input, no standard output, standard error to the server log, an
 * environment of PATH and LANG, no other file of the server and no signal
 * blocked.  Never waits: the document is written as far as the pipe takes it,
 * the end is noticed by SIGCHLD, a child that takes too long is told to end and
 * then killed, with its whole group.
 *
 * Owns the children of this worker; a worker that leaves kills them, and the
 * notice is handed over again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/notice.h"

#define TERM_PATIENCE	1000	/* ms between SIGTERM and SIGKILL */
#define FEED_PAUSE		20		/* ms until the pipe is tried again */
#define FILES_MOST		65536	/* descriptors that are closed one by one, where there is no close_range() */

typedef struct Child
{
	int64		notice;
	pid_t		pid;			/* 0: unused */
	int			pipe;			/* -1: all is written */
	char	   *input;			/* in TopMemoryContext */
	size_t		length;
	size_t		written;
	TimestampTz deadline;
	TimestampTz kill_at;		/* 0: not told to end yet */
} Child;

static Child children[NOTICE_COMMANDS_AT_ONCE];

static void
child_ended(SIGNAL_ARGS)
{
	int			save_errno = errno;

	SetLatch(MyLatch);
	errno = save_errno;
}

static void
kill_children(int code, Datum arg)
{
	for (int i = 0; i < NOTICE_COMMANDS_AT_ONCE; i++)
	{
		if (children[i].pid != 0)
			(void) kill(-children[i].pid, SIGKILL);
	}
}

void
notice_command_init(void)
{
	pqsignal(SIGCHLD, child_ended);
	before_shmem_exit(kill_children, (Datum) 0);
}

int
notice_commands_running(void)
{
	int			running = 0;

	for (int i = 0; i < NOTICE_COMMANDS_AT_ONCE; i++)
		running += children[i].pid != 0;
	return running;
}

/* Between fork() and exec(): nothing but what is safe there. */
static void
close_files(void)
{
	struct rlimit limit;
	long		most = FILES_MOST;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES_MOST)
		most = (long) limit.rlim_cur;
	for (int fd = 3; fd < most; fd++)
		(void) close(fd);
}

static void
run_child(int input, const char *command, char *const *environment)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD, SIGFPE, SIGTTIN, SIGTTOU, SIGCONT};
	sigset_t	none;
	int			null;

	for (int i = 0; i < lengthof(signals); i++)
		(void) signal(signals[i], SIG_DFL);
	(void) setsid();
	null = open("/dev/null", O_WRONLY);
	if (null < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(126);
	close_files();
	/* should the server itself be killed, nobody else ends the shell */
	(void) alarm(guc_breach_command_timeout / 1000 + 2 * TERM_PATIENCE / 1000);
	(void) sigemptyset(&none);
	(void) sigprocmask(SIG_SETMASK, &none, NULL);
	(void) execle("/bin/sh", "sh", "-c", command, (char *) NULL, environment);
	_exit(127);
}

static pid_t
start_child(int input, const char *command)
{
	const char *path = getenv("PATH");
	char	   *environment[] = {
		psprintf("PATH=%s", path && path[0] ? path : "/usr/local/bin:/usr/bin:/bin"),
		"LANG=C.UTF-8",
		NULL
	};
	sigset_t	all;
	sigset_t	before;
	pid_t		pid;

	fflush(NULL);
	/* no handler of ours may run in the child: it would act on shared memory */
	(void) sigfillset(&all);
	(void) sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run_child(input, command, environment);
	(void) sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static void
feed(Child *child)
{
	while (child->pipe >= 0)
	{
		ssize_t		n = child->written == child->length ? 0 :
			write(child->pipe, child->input + child->written, child->length - child->written);

		if (n > 0)
			child->written += n;
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		else if (n == 0 || errno != EINTR)
		{
			/* also when nobody reads: what the command makes of that is its exit status */
			(void) close(child->pipe);
			child->pipe = -1;
		}
	}
}

static Child *
free_place(void)
{
	for (int i = 0; i < NOTICE_COMMANDS_AT_ONCE; i++)
	{
		if (children[i].pid == 0)
			return &children[i];
	}
	return NULL;
}

/*
 * notice_command_start
 */
bool
notice_command_start(int64 notice, const char *command, const char *input, NoticeResult *result)
{
	Child	   *child = free_place();
	int			ends[2];
	pid_t		pid = -1;

	memset(result, 0, sizeof(*result));
	result->notice = notice;
	result->exit_status = -1;
	if (child == NULL || pipe(ends) != 0)
	{
		snprintf(result->detail, sizeof(result->detail), "The command could not be started: no pipe.");
		return false;
	}
	if (fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
		pid = start_child(ends[0], command);
	(void) close(ends[0]);
	if (pid < 0)
	{
		(void) close(ends[1]);
		snprintf(result->detail, sizeof(result->detail), "The command could not be started: no process.");
		return false;
	}
	memset(child, 0, sizeof(*child));
	child->notice = notice;
	child->pipe = ends[1];
	child->input = MemoryContextStrdup(TopMemoryContext, input);
	child->length = strlen(input);
	child->deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), guc_breach_command_timeout);
	child->pid = pid;
	feed(child);
	return true;
}

static void
fill_result(const Child *child, int status, NoticeResult *result)
{
	memset(result, 0, sizeof(*result));
	result->notice = child->notice;
	result->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	result->delivered = result->exit_status == 0 && child->kill_at == 0;
	if (child->kill_at != 0)
		snprintf(result->detail, sizeof(result->detail), "The command was ended after %d ms.", guc_breach_command_timeout);
	else if (WIFEXITED(status))
		snprintf(result->detail, sizeof(result->detail), "The command ended with exit status %d.", WEXITSTATUS(status));
	else
		snprintf(result->detail, sizeof(result->detail), "The command was ended by signal %d.", WTERMSIG(status));
}

/* Too late: the whole group, first gently. */
static void
hurry(Child *child, TimestampTz now)
{
	if (child->kill_at == 0 && now >= child->deadline)
	{
		child->kill_at = TimestampTzPlusMilliseconds(now, TERM_PATIENCE);
		(void) kill(-child->pid, SIGTERM);
	}
	else if (child->kill_at != 0 && now >= child->kill_at)
		(void) kill(-child->pid, SIGKILL);
}

/*
 * notice_command_ended
 */
bool
notice_command_ended(NoticeResult *result)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < NOTICE_COMMANDS_AT_ONCE; i++)
	{
		Child	   *child = &children[i];
		int			status;

		if (child->pid == 0)
			continue;
		feed(child);
		hurry(child, now);
		if (waitpid(child->pid, &status, WNOHANG) != child->pid)
			continue;
		if (child->kill_at != 0)
			(void) kill(-child->pid, SIGKILL);	/* what is left of the group */
		if (child->pipe >= 0)
			(void) close(child->pipe);
		fill_result(child, status, result);
		pfree(child->input);
		memset(child, 0, sizeof(*child));
		return true;
	}
	return false;
}

/*
 * notice_command_wait
 */
long
notice_command_wait(void)
{
	TimestampTz now = GetCurrentTimestamp();
	long		wait = -1;

	for (int i = 0; i < NOTICE_COMMANDS_AT_ONCE; i++)
	{
		const Child *child = &children[i];
		long		mine;

		if (child->pid == 0)
			continue;
		mine = TimestampDifferenceMilliseconds(now, child->kill_at ? child->kill_at : child->deadline) + 1;
		/* a group that outlives SIGKILL for a moment is asked again, not at once */
		mine = child->pipe >= 0 ? Min(mine, FEED_PAUSE) : Max(mine, 10);
		if (wait < 0 || mine < wait)
			wait = mine;
	}
	return wait;
}
