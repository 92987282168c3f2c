/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs: all requests that the control socket accepts. One table defines them for the control
 * socket, for dynmonctl, and for the help texts of both. The table is constant, and any number of
 * threads may run verbs concurrently.
 */
#ifndef DYNMON_SERVE_VERB_H
#define DYNMON_SERVE_VERB_H

#include "export/stream.h"
#include "monitor/registry.h"
#include "serve/command.h"

/* The answer of a verb: "<number> <status>" and that number of lines, or a stream of text. */
struct answer {
	struct text status;    /* empty: a default text */
	struct text lines;     /* each ends with a newline */
	struct stream *stream; /* owned; NULL: lines */
	bool until_eof;	       /* stream without a line count: "# EOF" is the last line */
};

void answer_release(struct answer *answer);

struct request {
	struct registry *registry;
	const struct command *command;
	const char *payload; /* the document of bytes=N; NULL: none */
	size_t payload_len;
	int client_fd; /* as in struct compiler */
};

struct verb {
	const char *name;
	const char *arguments; /* in the syntax of the usage */
	const char *options;   /* names of key=value words, separated by blanks; NULL: none */
	const char *help;
	unsigned int min, max; /* number of positional words after the verb */
	bool writes;	       /* changes something: logged with the client */
	int (*run)(const struct request *request, struct answer *answer, struct error *err);
};

/* Finds a verb in any letter case. Returns NULL if there is none. */
const struct verb *verb_find(const char *name);

/* The status text of an answer without a line count. */
#define ANSWER_UNTIL_EOF "text until # EOF"

/* All verbs in the order of the help. The last element has no name. */
extern const struct verb verbs[];

/*
 * Gets the word name=true or name=false of a request; false if missing. Returns 0, or -EINVAL for
 * another value.
 */
int request_bool(const struct request *request, const char *name, bool *ret, struct error *err);

/**
 * verb_run() - check the words of a request and run its verb
 * @request:  has at least one word
 * @answer:   zeroed; receives the answer, for answer_release(); empty on failure
 *
 * Return: 0; -EINVAL for wrong words, with the usage in @err; -ENOENT for an unknown verb;
 * otherwise the error of the verb.
 */
int verb_run(const struct request *request, struct answer *answer, struct error *err);

/*
 * Returns the size of the document after the line (bytes=N), 1 to BUNDLE_MAX bytes. 0: no document;
 * -EINVAL: invalid number; -EFBIG: too large.
 */
int64_t verb_payload(const struct command *command, struct error *err);

#endif
