/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs: all requests that the control socket accepts. One table declares them for the control
 * socket, for dynmonctl, and for the help texts of both. The table is constant, and any number of
 * threads may run verbs concurrently.
 */
#ifndef DYNMON_SERVE_VERB_H
#define DYNMON_SERVE_VERB_H

#include "serve/request.h"

struct verb {
	const char *name;
	/* The syntax of the usage. An option of the verb is any lower-case NAME= in it. */
	const char *arguments;
	unsigned int min, max; /* number of arguments before the options */
	bool writes;	       /* changes something: logged with the client */
	int (*run)(const struct request *request, struct answer *answer, struct error *err);
	const char *help;
};

/* Finds a verb in any letter case. Returns NULL if there is none. */
const struct verb *verb_find(const char *name);

/* The status text of an answer without a line count. */
#define ANSWER_UNTIL_EOF "text until # EOF"

/* All verbs in the order of the help. The last element has no name. */
extern const struct verb verbs[];

/**
 * verb_run() - check the words of a request and run its verb
 * @request:  has at least one word; its arguments are set here
 * @answer:   zeroed; receives the answer, for answer_release(); empty on failure
 *
 * Return: 0; -EINVAL for wrong words, with the usage in @err; -ENOENT for an unknown verb;
 * otherwise the error of the verb.
 */
int verb_run(struct request *request, struct answer *answer, struct error *err);

/*
 * Returns the size of the document after the line (bytes=N), 1 to BUNDLE_MAX bytes. 0: no document;
 * -EINVAL: invalid number; -EFBIG: too large.
 */
int64_t verb_payload(const struct command *command, struct error *err);

#endif
