/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs: everything that can be asked of the plugin. One table feeds the control socket,
 * dynmonctl, and both help texts.
 */
#ifndef DYNMON_SERVE_VERB_H
#define DYNMON_SERVE_VERB_H

#include "export/stream.h"
#include "monitor/registry.h"
#include "serve/command.h"

/* What a verb answers: "<number> <status>" and that many lines, or a stream of text. */
struct answer {
	struct text status;    /* "" stands for a fitting word */
	struct text lines;     /* each ended by a newline */
	struct stream *stream; /* owned; NULL: lines */
	bool until_eof;	       /* the stream's lines are not counted: "# EOF" is the last */
};

void answer_release(struct answer *answer);

struct request {
	struct registry *registry;
	const struct command *command;
	const char *payload; /* the bytes=N bytes; NULL: none */
	size_t payload_len;
	int client_fd; /* as in struct compiler */
};

struct verb {
	const char *name;
	const char *arguments; /* as the usage shows them */
	const char *options;   /* names of key=value words, separated by blanks; NULL: none */
	const char *help;
	unsigned int min, max; /* positional words after the verb */
	bool writes;	       /* changes something: logged with who asked */
	int (*run)(const struct request *request, struct answer *answer, struct error *err);
};

/* In any letter case; NULL: there is none. */
const struct verb *verb_find(const char *name);

/* The status text of an answer whose lines are not counted. */
#define ANSWER_UNTIL_EOF "text until # EOF"

/* All verbs, in the order of the help; ended by one without a name. */
extern const struct verb verbs[];

/* A word name=true or name=false of a request; false without it. -EINVAL: it is another one. */
int request_bool(const struct request *request, const char *name, bool *ret, struct error *err);

/*
 * Checks the words and runs the verb. -EINVAL: wrong words, with the usage; -ENOENT: no such verb,
 * else what the verb returns. On failure the answer is empty.
 */
int verb_run(const struct request *request, struct answer *answer, struct error *err);

/* Bytes that must follow the line (bytes=N); 0: none; -EINVAL, -EFBIG. */
int64_t verb_payload(const struct command *command, struct error *err);

#endif
