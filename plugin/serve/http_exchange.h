/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct exchange: one request and its response in libmicrohttpd. It begins with the request line
 * and ends when the response has been sent or the connection is over. Only the thread of its
 * connection uses it.
 *
 * A response is passed to libmicrohttpd in blocks. Thus the exchange knows how much data the client
 * has received, and whether the plugin or the client is slow: the plugin works while it produces a
 * block, and waits for the client until libmicrohttpd requests the next block.
 */
#ifndef DYNMON_SERVE_HTTP_EXCHANGE_H
#define DYNMON_SERVE_HTTP_EXCHANGE_H

#include "serve/http_clients.h"
#include "serve/http_message.h"

#include <microhttpd.h>

struct exchange {
	struct MHD_Connection *connection;
	struct http_clients *clients;
	struct http_client *client; /* may be NULL */
	struct http_request request;
	char *uri; /* the target as received */
	char method[24];
	struct text upload;
	size_t discarded; /* bytes of a body that is discarded */
	bool begun;	  /* the header is complete */
	bool wanted;	  /* the body is needed */
	bool ended;	  /* http_clients had ended the connection before the request */
	bool refused;	  /* unread input may be left: the connection must end */
	/* -- the response -- */
	unsigned int status;  /* 0: none yet */
	uint64_t sent;	      /* bytes of the body passed to libmicrohttpd */
	struct error failure; /* the reason why the body was cut */
};

/**
 * exchange_new() - begin an exchange
 * @common:  the members of struct http_request that all requests of the listener have in common
 * @uri:     the target as received, or NULL
 *
 * Return: the exchange; NULL if memory ran out.
 */
struct exchange *exchange_new(struct MHD_Connection *connection, struct http_clients *clients,
			      const struct http_request *common, const char *uri);

/**
 * exchange_end() - end an exchange and free it
 * @how:  the termination code of libmicrohttpd
 *
 * Logs if the response was cut. Accepts NULL.
 */
void exchange_end(struct exchange *exchange, enum MHD_RequestTerminationCode how);

/* Returns the client of a connection, which http_clients_add() gave. May be NULL. */
struct http_client *exchange_client(struct MHD_Connection *connection);

/* Returns true if the method changes nothing. */
bool http_method_is_safe(const char *method);

/**
 * exchange_receive() - take a block of the body
 * @bytes:  *@n bytes; *@n becomes 0
 *
 * Return: false if the body is far too large; 413 has been sent, and the connection must end.
 */
bool exchange_receive(struct exchange *exchange, const char *bytes, size_t *n);

/**
 * exchange_precheck() - answer a request of the REST API before its body has arrived
 * @answer:  zeroed
 *
 * Return: true if a client that waits for "100 Continue" gets @answer instead.
 */
bool exchange_precheck(struct exchange *exchange, struct http_answer *answer);

/* Answers a request of the REST API after the body, and logs a change. */
void exchange_run(struct exchange *exchange, struct http_answer *answer);

/**
 * exchange_respond() - queue a response
 * @answer:  its content is moved
 *
 * Return: MHD_NO if memory ran out; the connection must end without a response.
 */
enum MHD_Result exchange_respond(struct exchange *exchange, struct http_answer *answer);

/* As exchange_respond(), for a request for which nothing was done. Ends the connection. */
enum MHD_Result exchange_refuse(struct exchange *exchange, struct http_answer *answer);

#endif
