/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request to the REST on its way through libmicrohttpd: header, body, answer. Made when the
 * first line is there; used by the thread of its connection alone.
 */
#ifndef DYNMON_SERVE_HTTP_EXCHANGE_H
#define DYNMON_SERVE_HTTP_EXCHANGE_H

#include "serve/rest.h"

#include <microhttpd.h>

struct exchange;

/* uri: as it came. NULL: out of memory. */
struct exchange *exchange_new(const char *uri);
/* Takes NULL. */
struct exchange *exchange_free(struct exchange *exchange);

/*
 * Whether the header has just come, and was not there before. wanted: a body is, too; one that is
 * not is thrown away as it comes.
 */
bool exchange_begin(struct exchange *exchange, bool wanted);

/* Takes a piece of the body, and sets *n to 0. false: it is too much, the connection is to end. */
bool exchange_take(struct exchange *exchange, const char *bytes, size_t *n);

/*
 * Before the body: true when a client that waits for "100 Continue" is to get answer instead.
 * common: the members that all requests of the listener have in common.
 */
bool exchange_refuse(const struct exchange *exchange, struct MHD_Connection *connection,
		     const char *method, const struct rest_request *common,
		     struct rest_answer *answer);

/* After the body: answers, and logs what was a change. */
void exchange_run(const struct exchange *exchange, struct MHD_Connection *connection,
		  const char *method, const struct rest_request *common,
		  struct rest_answer *answer);

#endif
