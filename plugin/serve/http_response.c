/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_response.h"
#include "serve/http_clients.h"

/* The buffer of libmicrohttpd for a piece of a response. */
#define BLOCK_SIZE (64 * 1024)

struct body {
	struct exchange *exchange;
	struct stream *stream; /* NULL: this piece is the last */
	struct text text;      /* the piece, unless the bytes are static */
	const char *piece;
	size_t len;
	size_t at; /* bytes of the piece passed to libmicrohttpd */
};

static void body_free(void *data)
{
	struct body *body = data;

	stream_free(body->stream);
	text_release(&body->text);
	free(body);
}

/* Makes the next piece, which may be empty. Returns 0 or -errno. */
static int make_piece(struct body *body)
{
	struct exchange *exchange = body->exchange;
	int r;

	text_clear(&body->text);
	body->at = 0;
	http_client_enter(exchange->clients, exchange->client, HTTP_WORKING);
	r = stream_next(body->stream, &body->text, &exchange->failure);
	body->piece = body->text.data;
	body->len = body->text.len;
	if (r == 0)
		body->stream = stream_free(body->stream);
	return r < 0 ? r : 0;
}

static ssize_t body_read(void *data, uint64_t position, char *buffer, size_t size)
{
	struct body *body = data;
	struct exchange *exchange = body->exchange;
	size_t n;

	(void)position;
	while (body->at == body->len && body->stream)
		if (make_piece(body) < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
	http_client_enter(exchange->clients, exchange->client, HTTP_ANSWERING);
	n = body->len - body->at;
	if (!n)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n > size)
		n = size;
	memcpy(buffer, body->piece + body->at, n);
	body->at += n;
	exchange->sent += n;
	return (ssize_t)n;
}

/* Moves the content of the template. */
static struct MHD_Response *make_response(struct body *template, uint64_t size)
{
	struct body *body = malloc(sizeof(*body));
	struct MHD_Response *response = NULL;

	if (body) {
		*body = *template;
		response = MHD_create_response_from_callback(size, BLOCK_SIZE, body_read, body,
							     body_free);
	}
	if (!response) {
		stream_free(template->stream);
		text_release(&template->text);
		free(body);
	}
	return response;
}

struct MHD_Response *http_response_stream(struct exchange *exchange, struct stream **stream,
					  bool head)
{
	struct body body = { .exchange = exchange, .stream = steal_ptr(stream) };
	struct MHD_Response *response = make_response(&body, MHD_SIZE_UNKNOWN);

	if (response && head)
		MHD_set_response_options(response, MHD_RF_HTTP_VERSION_1_0_ONLY, MHD_RO_END);
	return response;
}

struct MHD_Response *http_response_text(struct exchange *exchange, struct text *text)
{
	struct body body = {
		.exchange = exchange, .text = *text, .piece = text->data, .len = text->len
	};

	if (text_status(text) < 0)
		return NULL;
	*text = (struct text){};
	return make_response(&body, body.len);
}

struct MHD_Response *http_response_static(struct exchange *exchange, const char *bytes, size_t n)
{
	struct body body = { .exchange = exchange, .piece = bytes, .len = n };

	return make_response(&body, n);
}

enum MHD_Result http_respond(struct MHD_Connection *connection, struct exchange *exchange,
			     unsigned int status, const char *content_type,
			     struct MHD_Response *response)
{
	enum MHD_Result result;

	exchange->status = status;
	if (!response) {
		error_oom(&exchange->failure);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	if (exchange->refused)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}
