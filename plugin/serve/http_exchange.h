/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct exchange: one request and its response in libmicrohttpd. It begins with the request line
 * and ends when the response has been sent or the connection is over. Only the thread of its
 * connection uses it.
 */
#ifndef DYNMON_SERVE_HTTP_EXCHANGE_H
#define DYNMON_SERVE_HTTP_EXCHANGE_H

#include "serve/rest.h"

#include <microhttpd.h>

struct http_clients;
struct http_client;

struct exchange {
	struct http_clients *clients;
	struct http_client *client; /* may be NULL */
	char *uri;		    /* the target as received */
	char method[16];	    /* for messages */
	struct text upload;
	size_t discarded; /* bytes of a body that is discarded */
	bool begun;	  /* the header is complete */
	bool wanted;	  /* the body is complete */
	bool ended;	  /* http_clients had ended the connection before the request */
	bool foreign;	  /* a page of another site may have sent the request */
	bool refused;	  /* unread input may be left: the connection must end */
	/* -- the response -- */
	unsigned int status;  /* 0: none yet */
	uint64_t sent;	      /* bytes of the body passed to libmicrohttpd */
	struct error failure; /* why the body was cut */
};

/* uri: the target as received, or NULL. Returns NULL if memory ran out. */
struct exchange *exchange_new(const char *uri);
/* Accepts NULL. */
struct exchange *exchange_free(struct exchange *exchange);

/**
 * exchange_take() - take a piece of the body
 * @bytes:  *@n bytes; *@n becomes 0
 *
 * Return: false if the body is far too large; 413 has been sent, and the connection must end.
 */
bool exchange_take(struct exchange *exchange, struct MHD_Connection *connection, const char *bytes,
		   size_t *n);

/* Returns true if the method changes nothing. */
bool exchange_is_safe(const char *method);

/**
 * exchange_refuse() - answer before the body has arrived
 * @common:  the members that all requests of the listener have in common
 * @answer:  zeroed
 *
 * Return: true if a client that waits for "100 Continue" gets @answer instead.
 */
bool exchange_refuse(const struct exchange *exchange, struct MHD_Connection *connection,
		     const char *method, const struct rest_request *common,
		     struct rest_answer *answer);

/* Answers after the body, and logs a change. */
void exchange_run(const struct exchange *exchange, struct MHD_Connection *connection,
		  const char *method, const struct rest_request *common,
		  struct rest_answer *answer);

/**
 * exchange_report_cut() - log that a response was cut
 * @how:  the termination code of libmicrohttpd
 */
void exchange_report_cut(struct exchange *exchange, struct MHD_Connection *connection,
			 enum MHD_RequestTerminationCode how);

/*
 * Reads and discards the remaining input of a refused client for a short time: closing a socket
 * with unread input resets the connection, and the client would lose the answer.
 */
void exchange_drain(struct MHD_Connection *connection);

#endif
