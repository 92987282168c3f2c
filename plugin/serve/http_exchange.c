/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_exchange.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve/http_header.h"
#include "serve/rest.h"

#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define TOO_LARGE     413 /* the name differs between versions of libmicrohttpd */
#define RETRY_SECONDS "1"

/* Bytes of a too long body that are read and discarded, so that the client can read the answer. */
#define DISCARD_MAX (16 * HTTP_BODY_MAX)

/* Seconds during which the remaining input of a refused client is read. */
#define DRAIN_SECONDS 2

/* The buffer of libmicrohttpd for a block of a response. */
#define BLOCK_SIZE (64 * 1024)

static int socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

struct http_client *exchange_client(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The client's address, or its user and process, for the log. */
static void name_client(struct MHD_Connection *connection, char *name, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	socklen_t len = address && address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								  : sizeof(struct sockaddr_in);
	struct ucred peer;
	socklen_t peer_len = sizeof(peer);
	char host[NI_MAXHOST];

	snprintf(name, size, "an unknown client");
	if (address && address->sa_family != AF_UNIX) {
		if (getnameinfo(address, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) == 0)
			snprintf(name, size, "%s", host);
		return;
	}
	if (getsockopt(socket_of(connection), SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) == 0)
		snprintf(name, size, "uid %u, pid %d", peer.uid, peer.pid);
}

/* -- begin and end -- */

struct exchange *exchange_new(struct MHD_Connection *connection, struct http_clients *clients,
			      const struct http_request *common, const char *uri)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		return NULL;
	exchange->uri = strdup(uri ? uri : "");
	if (!exchange->uri) {
		free(exchange);
		return NULL;
	}
	exchange->connection = connection;
	exchange->clients = clients;
	exchange->client = exchange_client(connection);
	exchange->request = *common;
	exchange->request.uri = exchange->uri;
	exchange->request.method = exchange->method;
	exchange->ended = !http_client_enter(exchange->client, HTTP_RECEIVING);
	return exchange;
}

static void report_cut(struct exchange *exchange, enum MHD_RequestTerminationCode how)
{
	const char *reason = http_client_reason(exchange->client);
	char name[NI_MAXHOST], line[NI_MAXHOST + 600];

	if (exchange->failure.code)
		reason = error_message(&exchange->failure);
	else if (!reason)
		reason = how == MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN
				 ? "the plugin is being stopped"
				 : "the client closed the connection";
	name_client(exchange->connection, name, sizeof(name));
	snprintf(line, sizeof(line),
		 "%s %.200s by %s: answer %u was cut after %" PRIu64 " bytes of its body: %.200s",
		 exchange->method, exchange->uri, name, exchange->status, exchange->sent, reason);
	http_clients_report(exchange->clients, line);
}

/*
 * Reads and discards the remaining input of a refused client for a short time: closing a socket
 * with unread input resets the connection, and the client would lose the answer.
 */
static void drain_socket(int fd)
{
	struct pollfd polls = { .fd = fd, .events = POLLIN };
	int64_t end = clock_now_s() + DRAIN_SECONDS;
	char bytes[4096];
	ssize_t n = 1;

	shutdown(fd, SHUT_WR);
	while (n > 0 && clock_now_s() <= end && poll(&polls, 1, DRAIN_SECONDS * 1000) == 1)
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
}

void exchange_end(struct exchange *exchange, enum MHD_RequestTerminationCode how)
{
	bool sent = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;

	if (!exchange)
		return;
	if (exchange->status && !sent)
		report_cut(exchange, how);
	/* Without a status, libmicrohttpd itself has answered a malformed header. */
	if (exchange->refused ? sent : !exchange->status)
		drain_socket(socket_of(exchange->connection));
	free(exchange->uri);
	text_release(&exchange->upload);
	error_release(&exchange->failure);
	free(exchange);
}

/* -- the request -- */

bool http_method_is_safe(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "OPTIONS");
}

bool exchange_receive(struct exchange *exchange, const char *bytes, size_t *n)
{
	static const char answer[] = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
				     "Content-Length: 0\r\n\r\n";

	if (exchange->wanted && !exchange->discarded &&
	    *n <= HTTP_BODY_MAX - exchange->upload.len) {
		text_add(&exchange->upload, bytes, *n);
	} else {
		exchange->discarded += *n;
		text_release(&exchange->upload);
	}
	*n = 0;
	if (exchange->discarded <= DISCARD_MAX)
		return true;
	/* libmicrohttpd accepts no response in the middle of a body. */
	send(socket_of(exchange->connection), answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	return false;
}

/* Returns true, with the refusal in answer, if the request is a change by a web page. */
static bool refuse_web_page(struct exchange *exchange, struct http_answer *answer)
{
	if (http_method_is_safe(exchange->method) || !http_header_is_of_page(exchange->connection))
		return false;
	http_answer_text(answer, MHD_HTTP_FORBIDDEN,
			 "a web page cannot change anything: the request has an Origin or a "
			 "Sec-Fetch-Site header");
	return true;
}

static void refuse_size(struct http_answer *answer)
{
	char message[80];

	snprintf(message, sizeof(message), "the body exceeds the limit of %d bytes", HTTP_BODY_MAX);
	http_answer_text(answer, TOO_LARGE, message);
}

bool exchange_precheck(struct exchange *exchange, struct http_answer *answer)
{
	const char *expect = http_header_find(exchange->connection, MHD_HTTP_HEADER_EXPECT);
	const char *length = http_header_find(exchange->connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (!expect || strcasecmp(expect, "100-continue") != 0)
		return false;
	if (refuse_web_page(exchange, answer) || rest_refuse(&exchange->request, answer))
		return true;
	if (!length || strtoull(length, NULL, 10) <= HTTP_BODY_MAX)
		return false;
	refuse_size(answer);
	return true;
}

void exchange_run(struct exchange *exchange, struct http_answer *answer)
{
	char name[NI_MAXHOST], *lines, *line;

	exchange->request.body = exchange->upload.data;
	exchange->request.len = exchange->upload.len;
	if (exchange->wanted && exchange->discarded)
		refuse_size(answer);
	else if (!refuse_web_page(exchange, answer))
		rest_run(&exchange->request, answer);
	if (!answer->changes)
		return;
	name_client(exchange->connection, name, sizeof(name));
	log_notice("%s %.200s by %s: %s", exchange->method, exchange->uri, name,
		   answer->status >= MHD_HTTP_BAD_REQUEST ? text_str(&answer->body) : "done");
	for (lines = (char *)text_str(&answer->report); (line = strsep(&lines, "\n"));)
		if (*line)
			log_notice("%s %.200s: %s", exchange->method, exchange->uri, line);
}

/* -- the response -- */

struct body {
	struct exchange *exchange;
	struct stream *stream; /* NULL: this block is the last */
	struct text block;
	size_t at; /* bytes of the block passed to libmicrohttpd */
};

static void body_free(void *data)
{
	struct body *body = data;

	stream_free(body->stream);
	text_release(&body->block);
	free(body);
}

static ssize_t body_read(void *data, uint64_t position, char *buffer, size_t size)
{
	struct body *body = data;
	struct exchange *exchange = body->exchange;
	size_t n;
	int r;

	(void)position;
	while (body->at == body->block.len && body->stream) {
		text_clear(&body->block);
		body->at = 0;
		http_client_enter(exchange->client, HTTP_WORKING);
		r = stream_next(body->stream, &body->block, &exchange->failure);
		if (r < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (r == 0)
			body->stream = stream_free(body->stream);
	}
	http_client_enter(exchange->client, HTTP_ANSWERING);
	n = body->block.len - body->at;
	if (!n)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n > size)
		n = size;
	memcpy(buffer, body->block.data + body->at, n);
	body->at += n;
	exchange->sent += n;
	return (ssize_t)n;
}

static struct MHD_Response *make_response(struct exchange *exchange, struct http_answer *answer)
{
	struct body *body = calloc(1, sizeof(*body));
	struct MHD_Response *response;

	if (!body)
		return NULL;
	body->exchange = exchange;
	body->stream = steal_ptr(&answer->stream);
	if (!body->stream) {
		body->block = answer->body;
		answer->body = (struct text){};
	}
	response =
		MHD_create_response_from_callback(body->stream ? MHD_SIZE_UNKNOWN : body->block.len,
						  BLOCK_SIZE, body_read, body, body_free);
	if (!response) {
		body_free(body);
		return NULL;
	}
	/*
	 * libmicrohttpd sends the end of a chunked body even for HEAD, and the client would read it
	 * as the start of the next response. Therefore the connection ends with the response.
	 */
	if (body->stream && !strcmp(exchange->method, MHD_HTTP_METHOD_HEAD))
		MHD_set_response_options(response, MHD_RF_HTTP_VERSION_1_0_ONLY, MHD_RO_END);
	return response;
}

enum MHD_Result exchange_respond(struct exchange *exchange, struct http_answer *answer)
{
	const struct {
		const char *name, *value;
	} headers[] = {
		{ MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type },
		{ MHD_HTTP_HEADER_LOCATION,
		  answer->location.len ? text_str(&answer->location) : NULL },
		{ MHD_HTTP_HEADER_ALLOW, answer->allow.len ? text_str(&answer->allow) : NULL },
		{ MHD_HTTP_HEADER_RETRY_AFTER, answer->retry ? RETRY_SECONDS : NULL },
		{ MHD_HTTP_HEADER_CONNECTION, exchange->refused ? "close" : NULL },
	};
	struct MHD_Response *response = NULL;
	enum MHD_Result result;

	exchange->status = answer->status;
	if (text_status(&answer->body) == 0)
		response = make_response(exchange, answer);
	if (!response) {
		error_oom(&exchange->failure);
		return MHD_NO;
	}
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		if (headers[i].value)
			MHD_add_response_header(response, headers[i].name, headers[i].value);
	for (size_t i = 0; answer->headers && answer->headers[i][0]; i++)
		MHD_add_response_header(response, answer->headers[i][0], answer->headers[i][1]);
	result = MHD_queue_response(exchange->connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result exchange_refuse(struct exchange *exchange, struct http_answer *answer)
{
	exchange->refused = true;
	http_client_enter(exchange->client, HTTP_ANSWERING);
	return exchange_respond(exchange, answer);
}
