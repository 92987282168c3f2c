/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/compiler.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define DIAGNOSTICS_MAX (256 * 1024)
#define STATUS_MAX	4096
#define EXIT_MS_MAX	1000 /* limit of the wait for the exit after the output has ended */

/* Exit codes of dynmon-cc, also the first word of its status line; see dynmon-cc(8). */
enum status { STATUS_OK, STATUS_SOURCE, STATUS_USAGE, STATUS_UNABLE, STATUS_LIMIT };

/* File descriptors of the pipes in the child. */
enum stream { STREAM_SOURCE, STREAM_OBJECT, STREAM_DIAGNOSTICS, STREAM_STATUS, STREAM_COUNT };

struct child {
	pid_t pid;
	int pidfd;	       /* -1: not available */
	int fds[STREAM_COUNT]; /* our ends of the pipes; -1: closed */
};

static void compiler_child_release(struct child *child)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		fd_close(&child->fds[i]);
	if (child->pidfd < 0)
		return;
	/* Has no effect if the child has exited, even if another thread has reaped it. */
	syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
	while (waitid((idtype_t)P_PIDFD, (id_t)child->pidfd, &(siginfo_t){}, WEXITED) < 0 &&
	       errno == EINTR)
		;
	fd_close(&child->pidfd);
}

/*
 * Returns the signal that killed a child whose output has ended. Returns 0 if there was none or the
 * signal is unknown, because SIGCHLD is ignored or another thread has reaped the child.
 */
static int child_signal(const struct child *child)
{
	struct pollfd polls = { .fd = child->pidfd, .events = POLLIN };
	siginfo_t info = {};

	if (child->pidfd < 0 || poll(&polls, 1, EXIT_MS_MAX) != 1 ||
	    waitid((idtype_t)P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return 0;
	return info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED ? info.si_status : 0;
}

static int child_pipes(int ours[STREAM_COUNT], int theirs[STREAM_COUNT])
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		ours[i] = ends[i != STREAM_SOURCE ? 0 : 1];
		theirs[i] = ends[i != STREAM_SOURCE ? 1 : 0];
		if (fcntl(ours[i], F_SETFL, O_NONBLOCK) < 0)
			return -errno;
		/*
		 * dup2() of a descriptor to itself would leave close-on-exec set. Keep the
		 * descriptors of the child out of the range of the targets, 0 to 3.
		 */
		if (theirs[i] < STREAM_COUNT) {
			int moved = fcntl(theirs[i], F_DUPFD_CLOEXEC, STREAM_COUNT);

			if (moved < 0)
				return -errno;
			close(theirs[i]);
			theirs[i] = moved;
		}
	}
	return 0;
}

/* Resets all signals to their defaults, because collectd ignores SIGCHLD and SIGPIPE. */
static int child_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawnattr_setsigdefault(attr, &all);
	if (!r)
		r = posix_spawnattr_setsigmask(attr, &none);
	if (!r)
		r = posix_spawnattr_setpgroup(attr, 0);
	if (!r)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
							   POSIX_SPAWN_SETPGROUP);
	return -r;
}

static int child_spawn(struct child *child, const char *program, char *const argv[])
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = { path, locale, NULL };
	int theirs[STREAM_COUNT] = { -1, -1, -1, -1 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	r = child_pipes(child->fds, theirs);
	for (int i = 0; i < STREAM_COUNT && r == 0; i++)
		r = -posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
	if (r == 0)
		r = child_attributes(&attr);
	if (r == 0)
		r = -posix_spawn(&child->pid, program, &actions, &attr, argv, environment);
	if (r == 0)
		child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	for (int i = 0; i < STREAM_COUNT; i++)
		fd_close(&theirs[i]);
	return r;
}

/* Writes as much as the pipe accepts. Closes the pipe at the end or if the child stops reading. */
static void compiler_feed(int *fd, const struct text *source, size_t *written)
{
	ssize_t n = write(*fd, source->data + *written, source->len - *written);

	if (n > 0)
		*written += (size_t)n;
	if (*written == source->len || (n < 0 && errno != EAGAIN && errno != EINTR))
		fd_close(fd);
}

/*
 * Reads available bytes and closes the pipe at end of file. -EFBIG if more than max bytes follow
 * offset start of the text.
 */
static int compiler_drain(int *fd, struct text *to, size_t start, size_t max)
{
	char *at = text_reserve(to, 64 * 1024);
	ssize_t n;

	if (!at)
		return -ENOMEM;
	n = read(*fd, at, 64 * 1024);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		fd_close(fd);
		return 0;
	}
	to->len += (size_t)n;
	return to->len - start > max ? -EFBIG : 0;
}

enum { CANCEL_STOP, CANCEL_CLIENT };

void compiler_watch(const struct compiler *compiler, struct pollfd *polls)
{
	polls[CANCEL_STOP] = (struct pollfd){
		.fd = compiler->cancel_fd > 0 ? compiler->cancel_fd : -1,
		.events = POLLIN,
	};
	/*
	 * Without events, poll() reports only a hangup and errors. A client that has shut down its
	 * sending side still waits for the response.
	 */
	polls[CANCEL_CLIENT] = (struct pollfd){
		.fd = compiler->client_fd > 0 ? compiler->client_fd : -1,
	};
}

int compiler_check(const struct pollfd *polls, struct error *err)
{
	if (polls[CANCEL_STOP].revents)
		return error_set(err, -ECANCELED, "canceled: the plugin is stopping");
	if (polls[CANCEL_CLIENT].revents)
		return error_set(err, -ECANCELED, "canceled: the client has closed its connection");
	return 0;
}

/* Transfers input and output until the compiler has closed all outputs. */
static int compiler_child_talk(struct child *child, const struct compiler *compiler,
			       const struct text *source, struct text *out[STREAM_COUNT],
			       struct error *err)
{
	static const size_t max[STREAM_COUNT] = { 0, OBJECT_MAX, DIAGNOSTICS_MAX + 4096,
						  STATUS_MAX };
	int64_t deadline = clock_now_ms() + COMPILER_SECONDS_MAX * 1000;
	size_t written = 0, start[STREAM_COUNT] = {};

	for (int i = STREAM_OBJECT; i < STREAM_COUNT; i++)
		start[i] = out[i]->len;
	if (!source->len)
		fd_close(&child->fds[STREAM_SOURCE]);
	for (;;) {
		struct pollfd polls[STREAM_COUNT + COMPILER_CANCEL_FDS];
		int64_t left = deadline - clock_now_ms();
		bool open = false;
		int r;

		for (int i = 0; i < STREAM_COUNT; i++) {
			polls[i] = (struct pollfd){
				.fd = child->fds[i],
				.events = i == STREAM_SOURCE ? POLLOUT : POLLIN,
			};
			open = open || (i != STREAM_SOURCE && child->fds[i] >= 0);
		}
		if (!open)
			return 0;
		compiler_watch(compiler, &polls[STREAM_COUNT]);
		if (left <= 0)
			return -ETIMEDOUT;
		r = poll(polls, ARRAY_SIZE(polls), (int)left);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		r = compiler_check(&polls[STREAM_COUNT], err);
		if (r < 0)
			return r;
		if (polls[STREAM_SOURCE].revents)
			compiler_feed(&child->fds[STREAM_SOURCE], source, &written);
		for (int i = STREAM_OBJECT; i < STREAM_COUNT; i++) {
			if (!polls[i].revents)
				continue;
			r = compiler_drain(&child->fds[i], out[i], start[i], max[i]);
			if (r < 0)
				return r;
		}
	}
}

/*
 * Parses the status line, "<code> <message>". Returns the code and sets words to the message, which
 * points into status. Returns -1 if there is no valid line, because the compiler died.
 */
static long compiler_parse_status(struct text *status, char **words)
{
	char *line = (char *)text_str(status);
	long code = strtol(line, words, 10);

	line[strcspn(line, "\n")] = '\0';
	if (*line < '0' || *line > '9' || (**words && **words != ' '))
		return -1;
	while (**words == ' ')
		++*words;
	return code;
}

/* Reports a compiler that exited without a status. */
static int tell_death(int signal, struct text *said, struct error *err)
{
	const char *why = signal == SIGKILL ? " (killed, most likely because the machine is out of "
					      "memory)"
					    : "";

	return error_set(err, -EIO, "the compiler died%s%s%s", why, said->len ? ": " : "",
			 text_str(said));
}

/* Converts status line and diagnostics to the result of compiler_run(). */
static int compiler_judge(const char *program, struct text *status, int signal, struct text *said,
			  struct error *err)
{
	char *words;
	long code = compiler_parse_status(status, &words);

	if (code < 0)
		return tell_death(signal, said, err);
	switch (code) {
	case STATUS_OK:
		return 0;
	case STATUS_SOURCE:
		return error_set(err, -EINVAL, "%s", said->len ? text_str(said) : words);
	case STATUS_UNABLE:
		return error_set(err, -ENOENT, "%s", words);
	case STATUS_LIMIT:
		return error_set(err, -ETIMEDOUT, "%s%s%s", words, said->len ? "\n" : "",
				 text_str(said));
	default:
		return error_set(err, -EIO, "%s: %s (options Compiler and IncludeDir?)", program,
				 words);
	}
}

static const char *compiler_program_of(const struct compiler *compiler)
{
	return compiler->program ? compiler->program : DYNMON_CC;
}

/*
 * Runs dynmon-cc to completion. said receives the diagnostics without trailing newlines. signal
 * receives the result of child_signal() if dynmon-cc exited without a status, else 0.
 */
static int converse(const struct compiler *compiler, char *const argv[], const struct text *input,
		    struct text *object, struct text *said, struct text *status, int *signal,
		    struct error *err)
{
	_cleanup_(compiler_child_release) struct child child = { .pidfd = -1,
								 .fds = { -1, -1, -1, -1 } };
	struct text *out[STREAM_COUNT] = { NULL, object, said, status };
	const char *program = compiler_program_of(compiler);
	int r = child_spawn(&child, program, argv);

	if (r < 0)
		return error_set(err, r, "cannot start the compiler %s: %s", program, strerror(-r));
	r = compiler_child_talk(&child, compiler, input, out, err);
	while (said->len && said->data[said->len - 1] == '\n')
		said->len--;
	if (r == -ETIMEDOUT)
		return error_set(err, r, "the compiler took more than %d s", COMPILER_SECONDS_MAX);
	if (r == -ECANCELED)
		return r;
	if (r == -EFBIG)
		return error_set(err, r, "the compiler wrote more than its limit");
	if (r < 0)
		return error_set(err, r, "talking to the compiler: %s", strerror(-r));
	*signal = status->len ? 0 : child_signal(&child);
	return 0;
}

int compiler_run(const struct compiler *compiler, const struct compile_target *target,
		 const char *origin, const struct text *source, struct text *object,
		 struct text *diagnostics, struct error *err)
{
	_cleanup_text_ struct text said = {}, status = {}, argument = {};
	_cleanup_free_ char *words = NULL;
	char *argv[16];
	size_t argc = 0, at = 0;
	int signal = 0, r;

	/* All arguments are in one buffer, each terminated by NUL. */
	text_printf(&argument, "dynmon-cc%c--status-fd=3%c--direction=%s%c--hook=%s%c", 0, 0,
		    direction_name(target->direction), 0, target->xdp ? "xdp" : "tc", 0);
	text_printf(&argument, "--log-level=%s%c--cube-id=%u%c--name=%s%c",
		    target->log_level ? target->log_level : "off", 0, target->cube_id, 0, origin,
		    0);
	if (compiler->include_dir)
		text_printf(&argument, "--include=%s%c", compiler->include_dir, 0);
	if (compiler->clang)
		text_printf(&argument, "--clang=%s%c", compiler->clang, 0);
	words = text_steal(&argument);
	if (!words)
		return error_oom(err);
	for (size_t n = 7 + !!compiler->include_dir + !!compiler->clang; argc < n; argc++) {
		argv[argc] = words + at;
		at += strlen(words + at) + 1;
	}
	argv[argc] = NULL;

	r = converse(compiler, argv, source, object, &said, &status, &signal, err);
	if (r == 0)
		r = compiler_judge(compiler_program_of(compiler), &status, signal, &said, err);
	if (r < 0)
		return r;
	if (said.len)
		text_printf(diagnostics, "%s\n", text_str(&said));
	return text_status(diagnostics);
}

int compiler_try(const struct compiler *compiler, const char *origin, const struct text *object,
		 struct error *err)
{
	static char name[] = "dynmon-cc", status_fd[] = "--status-fd=3", open_it[] = "--open";
	char *const argv[] = { name, status_fd, open_it, NULL };
	_cleanup_text_ struct text nothing = {}, said = {}, status = {};
	int signal = 0;
	char *words;
	int r = converse(compiler, argv, object, &nothing, &said, &status, &signal, err);

	if (r < 0)
		return r;
	switch (compiler_parse_status(&status, &words)) {
	case STATUS_OK:
		return 0;
	case -1:
		if (signal == SIGKILL)
			return tell_death(signal, &said, err);
		return error_set(err, -EINVAL,
				 "%s: not a usable eBPF object: opening it crashed, in the sandbox "
				 "where it was tried",
				 origin);
	case STATUS_SOURCE:
	case STATUS_LIMIT:
		return error_set(err, -EINVAL, "%s: not a usable eBPF object: %s", origin,
				 said.len ? text_str(&said) : words);
	case STATUS_UNABLE:
		return error_set(err, -ENOENT, "%s", words);
	default:
		return error_set(err, -EIO, "%s: %s", compiler_program_of(compiler), words);
	}
}
