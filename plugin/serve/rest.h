/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Polycube's REST: monitors as "cubes" of the service "dynmon", below /polycube/v1 and without that
 * prefix. It knows nothing of how requests come in; http.c brings them.
 *
 * One table has all paths, see rest.c; what they do is the registry's, as for the verbs. Any number
 * of threads may run requests at the same time; one that changes something takes as long as the
 * change.
 */
#ifndef DYNMON_SERVE_REST_H
#define DYNMON_SERVE_REST_H

#include "export/stream.h"
#include "monitor/registry.h"

#define REST_BODY_MAX (1024 * 1024) /* bytes of a request's body */

struct rest_request {
	struct registry *registry;
	const char *method; /* "GET" ... */
	const char *uri;    /* as it came: still encoded, with its query */
	const char *host;   /* of the Host header; NULL: there is none */
	const char *body;   /* not terminated; may be NULL when len is 0 */
	size_t len;
	bool writes;	   /* the listener lets monitors be changed */
	bool foreign;	   /* may come from a web page of another site: must not take values away */
	const char *where; /* the listener, for messages */
};

#define REST_JSON "application/yang.data+json; charset=utf-8"
#define REST_TEXT "text/plain; charset=utf-8"

struct rest_answer {
	unsigned int status; /* of HTTP */
	const char *content_type;
	struct text body;
	struct stream *stream; /* instead of body; owned */
	struct text location;  /* header Location; empty: none */
	struct text allow;     /* header Allow; empty: none */
	bool changes;	       /* the request asked for a change: it is logged with who did */
	struct text report;    /* lines to be logged after that, such as warnings */
};

/* Answers a request in every case. answer: zeroed; then rest_answer_release(). */
void rest_run(const struct rest_request *request, struct rest_answer *answer);

/*
 * What is to be said before a body is read, for clients that wait for that: true when the request
 * fails whatever its body is, and answer says why.
 */
bool rest_refuse(const struct rest_request *request, struct rest_answer *answer);

/* An answer in plain words; a newline is added. */
void rest_answer_words(struct rest_answer *answer, unsigned int status, const char *words);

/* Returns true if a read of the metrics in a snapshot takes values away from other readers. */
bool rest_snapshot_takes(const struct snapshot *snapshot);

/* The answer to a request of a web page of another site that reads such a snapshot. */
#define REST_FOREIGN                                                                               \
	"this read would take values away from other readers (empty-on-read, swap-on-read, or a "  \
	"queue), and a web page of another site may have sent the request: use "                   \
	"/metrics?look=100, which takes no values, or a client that is not a browser"

void rest_answer_release(struct rest_answer *answer);

#endif
