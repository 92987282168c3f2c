/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request on the control socket and its answer, as the handlers of the verbs see them. Both live
 * on the stack of the function that runs the verb and are used by one thread.
 */
#ifndef DYNMON_SERVE_REQUEST_H
#define DYNMON_SERVE_REQUEST_H

#include "export/stream.h"
#include "monitor/registry.h"
#include "serve/command.h"

#define REQUEST_ARGUMENTS_MAX 2

struct request {
	struct registry *registry;
	const struct command *command;
	const char *payload; /* the document of bytes=N; NULL: none */
	size_t payload_len;
	int client_fd; /* as in struct compiler */
	/* Words after the verb that are not options; NULL if missing. Set by verb_run(). */
	const char *arguments[REQUEST_ARGUMENTS_MAX];
};

/* The answer of a verb: "<number> <status>" and that number of lines, or a stream of text. */
struct answer {
	struct text status;    /* empty: a default text */
	struct text lines;     /* each ends with a newline */
	struct stream *stream; /* owned; NULL: lines */
	bool until_eof;	       /* stream without a line count: "# EOF" is the last line */
};

void answer_release(struct answer *answer);

/* Returns the value of the option name=value, or NULL if missing. The last one counts. */
const char *request_option(const struct request *request, const char *name);

/* The values of an option that may be repeated. Pointers are borrowed from the request. */
struct option_values {
	char *items[COMMAND_WORDS_MAX];
	size_t n;
};
struct option_values request_option_values(const struct request *request, const char *name);

/*
 * Typed readers of options. They return 0, or -EINVAL with a message that quotes the value. Without
 * the option, *ret is false, 0, or -1 for a direction.
 */
int request_bool(const struct request *request, const char *name, bool *ret, struct error *err);
int request_seconds(const struct request *request, const char *name, double min, double max,
		    double *ret, struct error *err);
/* direction=both gives -1, too; allowed only if both is true. */
int request_direction(const struct request *request, bool both, int *ret, struct error *err);

#endif
