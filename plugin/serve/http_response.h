/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bodies of responses for libmicrohttpd. A body is passed to libmicrohttpd in pieces. Thus the
 * exchange knows how much data the client has received, and whether the plugin or the client is
 * slow: the plugin works while it produces a piece, and waits for the client until libmicrohttpd
 * requests the next piece.
 *
 * The exchange must outlive the reading of the body, but not the response. Used by the thread of
 * the connection.
 */
#ifndef DYNMON_SERVE_HTTP_RESPONSE_H
#define DYNMON_SERVE_HTTP_RESPONSE_H

#include "export/stream.h"
#include "serve/http_exchange.h"

/**
 * http_response_stream() - make a response from a stream
 * @stream:  the function takes ownership
 * @head:    true for HEAD. The connection then ends with the response, because libmicrohttpd sends
 *           the end of a chunked body, which the client would read as the start of the next
 *           response
 *
 * Return: the response; NULL if memory ran out.
 */
struct MHD_Response *http_response_stream(struct exchange *exchange, struct stream **stream,
					  bool head);

/* Makes a response from a text and empties the text. Returns NULL if memory ran out. */
struct MHD_Response *http_response_text(struct exchange *exchange, struct text *text);

/* Makes a response from bytes that are never freed. Returns NULL if memory ran out. */
struct MHD_Response *http_response_static(struct exchange *exchange, const char *bytes, size_t n);

/**
 * http_respond() - queue a response
 * @response:  the function drops this reference; NULL if memory ran out
 *
 * Return: MHD_NO if the connection must end without a response.
 */
enum MHD_Result http_respond(struct MHD_Connection *connection, struct exchange *exchange,
			     unsigned int status, const char *content_type,
			     struct MHD_Response *response);

#endif
