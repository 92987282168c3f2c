/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of a request's header before any action: the header is unambiguous (RFC 9112), its Host is
 * a name of the listener, and no web page of another site has sent the request. Called by the
 * thread of the connection.
 */
#ifndef DYNMON_SERVE_HTTP_HEADER_H
#define DYNMON_SERVE_HTTP_HEADER_H

#include "config/settings.h"

#include <microhttpd.h>

/* The names of a listener in Host headers. Read-only after initialization. */
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
	const char *url; /* start of the target, decoded in place */
	size_t uri_len;	 /* of the target as received */
	const char *version;
};

/* Returns the value of a header field, or NULL. */
const char *http_header_find(struct MHD_Connection *connection, const char *name);

/* Returns true if a target is a path with complete escapes, none of which is NUL. */
bool http_uri_is_valid(const char *uri);

/* Returns true if a Host header is a name or an address, with an optional port. */
bool http_host_is_valid(const char *host);

/* Returns true if a valid Host header is an IP address or one of the names. */
bool http_names_have(const struct http_names *names, const char *host);

/**
 * http_header_check() - check the header of a request
 * @uri:    the target as received
 * @names:  of the listener; NULL accepts every valid Host
 * @err:    receives a message for the client
 *
 * Return: 0, or the status to refuse the request with. The connection must then be closed, since
 * the end of the request is not known.
 */
unsigned int http_header_check(struct MHD_Connection *connection, const struct http_line *line,
			       const char *uri, const struct http_names *names, struct error *err);

/**
 * http_header_is_foreign() - test if a page of another site may have sent a request
 *
 * Browsers mark such a request with Sec-Fetch-Site or Origin, but over plain HTTP to a host other
 * than localhost a GET may have neither header. Therefore a request of a browser without these
 * headers is foreign, too. Requests of other clients are not.
 */
bool http_header_is_foreign(struct MHD_Connection *connection);

/* Returns true if any web page sent the request. */
bool http_header_is_of_page(struct MHD_Connection *connection);

#endif
