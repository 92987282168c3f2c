/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HTTP request and its answer, as the handlers of paths see them. Both live on the stack or in
 * the exchange of a connection and are used by its thread only.
 */
#ifndef DYNMON_SERVE_HTTP_MESSAGE_H
#define DYNMON_SERVE_HTTP_MESSAGE_H

#include "export/stream.h"
#include "monitor/registry.h"

#define HTTP_BODY_MAX (1024 * 1024) /* bytes of the body of a request */

struct http_request {
	struct registry *registry;
	const char *method; /* for example "GET" */
	const char *uri;    /* as received: encoded, with the query */
	const char *host;   /* of the Host header; NULL without one */
	const char *body;   /* not NUL-terminated; NULL if len is 0 */
	size_t len;
	bool writes;	      /* the listener permits changes */
	bool foreign;	      /* may come from a page of another site: must not take values */
	const char *listener; /* its address, for messages */
};

#define HTTP_TEXT "text/plain; charset=utf-8"

struct http_answer {
	unsigned int status; /* HTTP status */
	const char *content_type;
	struct text body;
	struct stream *stream; /* replaces body; owned */
	struct text location;  /* of the Location header; empty: no header */
	struct text allow;     /* of the Allow header; empty: no header */
	/* Names and values of further headers, terminated by NULL; static. NULL: none. */
	const char *const (*headers)[2];
	bool retry;	    /* nothing was done: the client should repeat the request */
	bool changes;	    /* the request asked for a change: log the client */
	struct text report; /* lines to log afterwards, such as warnings */
};

/**
 * http_answer_text() - set a plain text answer
 * @message:  text from any source; a newline is added
 *
 * The status 503 asks the client to retry.
 */
void http_answer_text(struct http_answer *answer, unsigned int status, const char *message);

void http_answer_release(struct http_answer *answer);

/* Returns true if a read of the metrics in a snapshot takes values away from other readers. */
bool http_snapshot_takes(const struct snapshot *snapshot);

/* The error for a request from another site that reads such a snapshot. */
#define HTTP_FOREIGN                                                                               \
	"this read would take values away from other readers (empty-on-read, swap-on-read, or a "  \
	"queue), and a web page of another site may have sent the request: use "                   \
	"/metrics?look=100, which takes no values, or a client that is not a browser"

#endif
