/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_exchange.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve/http_clients.h"
#include "serve/http_request.h"

#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#define TOO_LARGE 413 /* the name differs between versions of libmicrohttpd */

/* Bytes of a too long body that are read and discarded, so that the client can read the answer. */
#define DISCARD_MAX (16 * REST_BODY_MAX)

/* Seconds during which the remaining input of a refused client is read. */
#define DRAIN_SECONDS 2

struct exchange *exchange_new(const char *uri)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange)
		exchange->uri = strdup(uri ? uri : "");
	if (exchange && exchange->uri)
		return exchange;
	free(exchange);
	return NULL;
}

struct exchange *exchange_free(struct exchange *exchange)
{
	if (!exchange)
		return NULL;
	free(exchange->uri);
	text_release(&exchange->upload);
	error_release(&exchange->failure);
	free(exchange);
	return NULL;
}

static int socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

bool exchange_take(struct exchange *exchange, struct MHD_Connection *connection, const char *bytes,
		   size_t *n)
{
	static const char answer[] = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
				     "Content-Length: 0\r\n\r\n";

	if (exchange->wanted && !exchange->discarded &&
	    *n <= REST_BODY_MAX - exchange->upload.len) {
		text_add(&exchange->upload, bytes, *n);
	} else {
		exchange->discarded += *n;
		text_release(&exchange->upload);
	}
	*n = 0;
	if (exchange->discarded <= DISCARD_MAX)
		return true;
	/* libmicrohttpd accepts no response in the middle of a body. */
	send(socket_of(connection), answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	return false;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* The client's address, or its user and process, for the log. */
static void client_name(struct MHD_Connection *connection, char *name, size_t size)
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

static void log_change(struct MHD_Connection *connection, const struct rest_request *request,
		       struct rest_answer *answer)
{
	bool failed = answer->status >= MHD_HTTP_BAD_REQUEST;
	char name[NI_MAXHOST], *lines, *line;

	client_name(connection, name, sizeof(name));
	log_notice("%s %.200s by %s: %s", request->method, request->uri, name,
		   failed ? text_str(&answer->body) : "done");
	for (lines = (char *)text_str(&answer->report); (line = strsep(&lines, "\n"));)
		if (*line)
			log_notice("%s %.200s: %s", request->method, request->uri, line);
}

bool exchange_is_safe(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "OPTIONS");
}

static struct rest_request request_of(const struct exchange *exchange,
				      struct MHD_Connection *connection, const char *method,
				      const struct rest_request *common)
{
	struct rest_request request = *common;

	request.method = method;
	request.uri = exchange->uri;
	request.host = header(connection, MHD_HTTP_HEADER_HOST);
	request.foreign = exchange->foreign;
	request.body = exchange->upload.data;
	request.len = exchange->upload.len;
	return request;
}

/* Returns true, with the refusal in answer, if the request is a change by a web page. */
static bool refuse_page(struct MHD_Connection *connection, const char *method,
			struct rest_answer *answer)
{
	if (exchange_is_safe(method) || !http_request_is_of_page(connection))
		return false;
	rest_answer_words(answer, MHD_HTTP_FORBIDDEN,
			  "a web page cannot change anything: the request has an Origin or a "
			  "Sec-Fetch-Site header");
	return true;
}

static void refuse_size(struct rest_answer *answer)
{
	_cleanup_text_ struct text words = {};

	text_printf(&words, "the body is too long, at most %d bytes are possible", REST_BODY_MAX);
	rest_answer_words(answer, TOO_LARGE, text_str(&words));
}

bool exchange_refuse(const struct exchange *exchange, struct MHD_Connection *connection,
		     const char *method, const struct rest_request *common,
		     struct rest_answer *answer)
{
	const char *expect = header(connection, MHD_HTTP_HEADER_EXPECT);
	const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	const struct rest_request request = request_of(exchange, connection, method, common);

	if (!expect || strcasecmp(expect, "100-continue") != 0)
		return false;
	if (refuse_page(connection, method, answer) || rest_refuse(&request, answer))
		return true;
	if (!length || strtoull(length, NULL, 10) <= REST_BODY_MAX)
		return false;
	refuse_size(answer);
	return true;
}

void exchange_run(const struct exchange *exchange, struct MHD_Connection *connection,
		  const char *method, const struct rest_request *common, struct rest_answer *answer)
{
	const struct rest_request request = request_of(exchange, connection, method, common);

	if (exchange->wanted && exchange->discarded)
		refuse_size(answer);
	else if (!refuse_page(connection, method, answer))
		rest_run(&request, answer);
	if (answer->changes)
		log_change(connection, &request, answer);
}

/* -- end of an exchange -- */

void exchange_report_cut(struct exchange *exchange, struct MHD_Connection *connection,
			 enum MHD_RequestTerminationCode how)
{
	const char *reason = http_client_reason(exchange->clients, exchange->client);
	char name[NI_MAXHOST], line[NI_MAXHOST + 600];

	if (exchange->failure.code)
		reason = error_message(&exchange->failure);
	else if (!reason)
		reason = how == MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN
				 ? "the plugin is being stopped"
				 : "the client closed the connection";
	client_name(connection, name, sizeof(name));
	snprintf(line, sizeof(line),
		 "%s %.200s by %s: answer %u was cut after %" PRIu64 " bytes of its body: %.200s",
		 exchange->method, exchange->uri, name, exchange->status, exchange->sent, reason);
	http_clients_report(exchange->clients, line);
}

void exchange_drain(struct MHD_Connection *connection)
{
	struct pollfd polls = { .fd = socket_of(connection), .events = POLLIN };
	int64_t end = clock_now_s() + DRAIN_SECONDS;
	char bytes[4096];
	ssize_t n = 1;

	shutdown(polls.fd, SHUT_WR);
	while (n > 0 && clock_now_s() <= end && poll(&polls, 1, DRAIN_SECONDS * 1000) == 1)
		n = recv(polls.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
}
