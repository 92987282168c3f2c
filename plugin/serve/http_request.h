/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of a request before anything is done for it: its header has one meaning (RFC 9112), its
 * Host is a name of the listener, and a web page of another site has not sent it. Called by the
 * thread of the connection.
 */
#ifndef DYNMON_SERVE_HTTP_REQUEST_H
#define DYNMON_SERVE_HTTP_REQUEST_H

#include "monitor/settings.h"

#include <microhttpd.h>

/* The names that a listener has in Host headers. Read-only once made. */
struct http_names;

/**
 * http_names_new() - collect the names of a TCP listener
 * @settings:  of the listener; strings are copied
 * @hostname:  another name of this host; NULL for none
 *
 * "localhost", Host, the names of the host, and each ServerName.
 *
 * Return: the names; NULL if memory ran out.
 */
struct http_names *http_names_new(const struct http_settings *settings, const char *hostname);

/* Accepts NULL. */
void http_names_free(struct http_names *names);

/* The request line as libmicrohttpd gives it to its callbacks. */
struct http_line {
	const char *method;
	const char *url; /* where the target began; decoded since */
	size_t uri_len;	 /* of the target as it came */
	const char *version;
};

/* Whether a target is a path whose escapes are complete and do not stand for NUL. */
bool http_uri_is_valid(const char *uri);

/* Whether a Host header is a name or an address, and a port if there is one. */
bool http_host_is_valid(const char *host);

/* Whether a valid Host header is an IP address or one of the names. */
bool http_names_have(const struct http_names *names, const char *host);

/**
 * http_request_check() - check the header of a request
 * @uri:    the target as it came
 * @names:  of the listener; NULL accepts every valid Host
 * @err:    receives a message for the client
 *
 * Return: 0, or the status to refuse the request with. The connection must then be closed, since
 * the end of the request is not known.
 */
unsigned int http_request_check(struct MHD_Connection *connection, const struct http_line *line,
				const char *uri, const struct http_names *names, struct error *err);

/**
 * http_request_is_foreign() - find out if a page of another site may have sent a request
 *
 * Browsers say so in Sec-Fetch-Site or Origin, but over plain HTTP to a host other than localhost a
 * GET may have neither. A browser that says nothing is foreign, too. Other clients are not.
 */
bool http_request_is_foreign(struct MHD_Connection *connection);

/* Whether any web page sent the request. */
bool http_request_is_of_page(struct MHD_Connection *connection);

#endif
