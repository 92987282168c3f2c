/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct exchange: one request and its response on their way through libmicrohttpd. It begins with
 * the request line and ends when the response has been sent or the connection is over. Only the
 * thread of its connection uses it.
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
	char *uri;		    /* as it came */
	char method[16];	    /* for messages */
	struct text upload;
	size_t discarded; /* bytes of a body that is not wanted */
	bool begun;	  /* the header is there */
	bool wanted;	  /* so is the body */
	bool ended;	  /* the connection was given up before the request came */
	bool foreign;	  /* a page of another site may have sent the request */
	bool refused;	  /* there may be input that is not read: the connection ends */
	/* -- the response -- */
	unsigned int status;  /* 0: there is none yet */
	uint64_t sent;	      /* bytes of its body that libmicrohttpd has */
	struct error failure; /* why the body breaks off */
};

/* uri: as it came; NULL for none. NULL: out of memory. */
struct exchange *exchange_new(const char *uri);
/* Accepts NULL. */
struct exchange *exchange_free(struct exchange *exchange);

/**
 * exchange_take() - take a piece of the body
 * @bytes:  of which there are *@n, which becomes 0
 *
 * Return: false if it is far too much, the client knows, and the connection must end.
 */
bool exchange_take(struct exchange *exchange, struct MHD_Connection *connection, const char *bytes,
		   size_t *n);

/* Whether the method changes nothing. */
bool exchange_is_safe(const char *method);

/**
 * exchange_refuse() - answer before the body is there
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
 * exchange_report_cut() - log that a response did not get to its end
 * @how:  what libmicrohttpd says of the end
 */
void exchange_report_cut(struct exchange *exchange, struct MHD_Connection *connection,
			 enum MHD_RequestTerminationCode how);

/*
 * Reads and throws away what the client still sends after it was refused, for a moment: closing a
 * socket with unread input resets the connection, which takes the answer away from the client.
 */
void exchange_drain(struct MHD_Connection *connection);

#endif
