/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/compiler.h"
#include "base/child.h"
#include "base/clock.h"

#include <errno.h>
#include <signal.h>

#define DIAGNOSTICS_MAX (260 * 1024)
#define STATUS_MAX	4096
#define STATUS_FD	3

/* Exit codes of dynmon-cc, also the first word of its status line; see dynmon-cc(8). */
enum status {
	STATUS_DIED = -1, /* there is no valid status line */
	STATUS_OK,
	STATUS_SOURCE,
	STATUS_USAGE,
	STATUS_SETUP,
	STATUS_LIMIT
};

struct result {
	struct text diagnostics; /* without trailing newlines */
	struct text status_line;
	long status;
	const char *message; /* points into status_line */
	int signal;	     /* that killed dynmon-cc; 0: none, or unknown */
};

static void result_release(struct result *result)
{
	text_release(&result->diagnostics);
	text_release(&result->status_line);
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

/* Sets status and message from the status line: "<status> <message>". */
static void status_parse(struct result *result)
{
	char *line = (char *)text_str(&result->status_line), *end;
	long status = strtol(line, &end, 10);

	line[strcspn(line, "\n")] = '\0';
	result->status = STATUS_DIED;
	if (*line < '0' || *line > '9' || (*end && *end != ' '))
		return;
	result->status = status;
	result->message = end + strspn(end, " ");
}

static const char *compiler_program(const struct compiler *compiler)
{
	return compiler->program ? compiler->program : DYNMON_CC;
}

/* Runs dynmon-cc to its end. The caller releases the result, also after a failure. */
static int compiler_execute(const struct compiler *compiler, const char *const argv[],
			    const struct text *input, struct text *object, struct result *result,
			    struct error *err)
{
	struct pollfd cancel[COMPILER_CANCEL_FDS];
	struct text *diagnostics = &result->diagnostics;
	struct child child = {
		.argv = argv,
		.pipes = {
			[STDIN_FILENO] = { .feed = input },
			[STDOUT_FILENO] = { .collect = object, .max = OBJECT_MAX },
			[STDERR_FILENO] = { .collect = diagnostics, .max = DIAGNOSTICS_MAX },
			[STATUS_FD] = { .collect = &result->status_line, .max = STATUS_MAX },
		},
		.deadline = clock_now_ms() + COMPILER_SECONDS_MAX * 1000,
		.cancel = cancel,
		.n_cancel = ARRAY_SIZE(cancel),
	};
	int r;

	compiler_watch(compiler, cancel);
	r = child_run(&child);
	switch (r) {
	case 0:
		break;
	case -ECANCELED:
		return compiler_check(cancel, err);
	case -ETIMEDOUT:
		return error_set(err, r, "the compiler took more than %d s", COMPILER_SECONDS_MAX);
	case -EFBIG:
		return error_set(err, r, "the compiler wrote more than its limit");
	default:
		return error_set(err, r, "cannot start the compiler %s: %s", argv[0], strerror(-r));
	}
	while (diagnostics->len && diagnostics->data[diagnostics->len - 1] == '\n')
		diagnostics->len--;
	result->signal = child.signal;
	status_parse(result);
	return 0;
}

/* Reports a compiler that exited without a status. */
static int compiler_died(struct result *result, struct error *err)
{
	const char *cause = "";

	if (result->signal == SIGKILL)
		cause = " (killed, most likely because the machine is out of memory)";
	return error_set(err, -EIO, "the compiler died%s%s%s", cause,
			 result->diagnostics.len ? ": " : "", text_str(&result->diagnostics));
}

int compiler_run(const struct compiler *compiler, const struct compile_target *target,
		 const char *origin, const struct text *source, struct text *object,
		 struct text *diagnostics, struct error *err)
{
	_cleanup_(result_release) struct result result = {};
	const char *level = target->log_level ? target->log_level : "off";
	char cube_id[16];
	const char *argv[18] = {
		compiler_program(compiler),
		"--status-fd=3",
		"--direction",
		direction_name(target->direction),
		"--hook",
		target->xdp ? "xdp" : "tc",
		"--log-level",
		level,
		"--cube-id",
		cube_id,
		"--name",
		origin,
	};
	size_t argc = 12, said_len;
	const char *said;
	int r;

	snprintf(cube_id, sizeof(cube_id), "%u", target->cube_id);
	if (compiler->include_dir) {
		argv[argc++] = "--include";
		argv[argc++] = compiler->include_dir;
	}
	if (compiler->clang) {
		argv[argc++] = "--clang";
		argv[argc++] = compiler->clang;
	}
	r = compiler_execute(compiler, argv, source, object, &result, err);
	if (r < 0)
		return r;
	said = text_str(&result.diagnostics);
	said_len = result.diagnostics.len;
	switch (result.status) {
	case STATUS_OK:
		if (said_len)
			text_printf(diagnostics, "%s\n", said);
		return text_status(diagnostics);
	case STATUS_DIED:
		return compiler_died(&result, err);
	case STATUS_SOURCE:
		return error_set(err, -EINVAL, "%s", said_len ? said : result.message);
	case STATUS_SETUP:
		return error_set(err, -ENOENT, "%s", result.message);
	case STATUS_LIMIT:
		return error_set(err, -ETIMEDOUT, "%s%s%s", result.message, said_len ? "\n" : "",
				 said);
	default:
		return error_set(err, -EIO, "%s: %s (options Compiler and IncludeDir?)", argv[0],
				 result.message);
	}
}

int compiler_try(const struct compiler *compiler, const char *origin, const struct text *object,
		 struct error *err)
{
	const char *argv[] = { compiler_program(compiler), "--status-fd=3", "--open", NULL };
	_cleanup_(result_release) struct result result = {};
	_cleanup_text_ struct text no_output = {};
	const char *said;
	int r = compiler_execute(compiler, argv, object, &no_output, &result, err);

	if (r < 0)
		return r;
	said = text_str(&result.diagnostics);
	switch (result.status) {
	case STATUS_OK:
		return 0;
	case STATUS_DIED:
		if (result.signal == SIGKILL)
			return compiler_died(&result, err);
		return error_set(err, -EINVAL,
				 "%s: not a usable eBPF object: opening it crashed, in the sandbox "
				 "where it was tried",
				 origin);
	case STATUS_SOURCE:
	case STATUS_LIMIT:
		return error_set(err, -EINVAL, "%s: not a usable eBPF object: %s", origin,
				 *said ? said : result.message);
	case STATUS_SETUP:
		return error_set(err, -ENOENT, "%s", result.message);
	default:
		return error_set(err, -EIO, "%s: %s", argv[0], result.message);
	}
}
