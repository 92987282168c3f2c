/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Polycube's REST API: monitors are "cubes" of the service "dynmon", below /polycube/v1 or without
 * this prefix. This layer does not receive requests itself: http.c passes them.
 *
 * A table in rest.c defines all paths. The operations are those of the registry, as for the verbs.
 * Any number of threads may run requests concurrently. A request that changes something returns
 * when the change is complete.
 */
#ifndef DYNMON_SERVE_REST_H
#define DYNMON_SERVE_REST_H

#include "export/stream.h"
#include "monitor/registry.h"

#define REST_BODY_MAX (1024 * 1024) /* bytes of the body of a request */

struct rest_request {
	struct registry *registry;
	const char *method; /* for example "GET" */
	const char *uri;    /* as received: encoded, with the query */
	const char *host;   /* of the Host header; NULL without one */
	const char *body;   /* not NUL-terminated; NULL if len is 0 */
	size_t len;
	bool writes;	   /* the listener permits changes */
	bool foreign;	   /* may come from a page of another site: must not take values */
	const char *where; /* the listener, for messages */
};

#define REST_JSON "application/yang.data+json; charset=utf-8"
#define REST_TEXT "text/plain; charset=utf-8"

struct rest_answer {
	unsigned int status; /* HTTP status */
	const char *content_type;
	struct text body;
	struct stream *stream; /* replaces body; owned */
	struct text location;  /* of the Location header; empty: no header */
	struct text allow;     /* of the Allow header; empty: no header */
	bool changes;	       /* the request asked for a change: log the client */
	struct text report;    /* lines to log afterwards, such as warnings */
};

/**
 * rest_run() - run a request
 * @request:  the complete request
 * @answer:   zeroed; receives the answer, for rest_answer_release()
 *
 * Sets an answer in every case.
 */
void rest_run(const struct rest_request *request, struct rest_answer *answer);

/**
 * rest_refuse() - refuse a request before its body is read
 * @request:  without a body
 * @answer:   zeroed; receives the answer, for rest_answer_release()
 *
 * Return: true if the request has an answer that does not depend on its body, such as an error.
 */
bool rest_refuse(const struct rest_request *request, struct rest_answer *answer);

/* Sets a plain text answer. A newline is added. */
void rest_answer_words(struct rest_answer *answer, unsigned int status, const char *words);

/* Returns true if a read of the metrics in a snapshot takes values away from other readers. */
bool rest_snapshot_takes(const struct snapshot *snapshot);

/* The error for a request from another site that reads such a snapshot. */
#define REST_FOREIGN                                                                               \
	"this read would take values away from other readers (empty-on-read, swap-on-read, or a "  \
	"queue), and a web page of another site may have sent the request: use "                   \
	"/metrics?look=100, which takes no values, or a client that is not a browser"

void rest_answer_release(struct rest_answer *answer);

#endif
