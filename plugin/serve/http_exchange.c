/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_exchange.h"
#include "base/log.h"

#include <netdb.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define TOO_LARGE 413 /* libmicrohttpd has several names for it */

/* A body that is too long is read to this end, for the client to see the answer. */
#define DISCARD_MAX (16 * REST_BODY_MAX)

struct exchange {
	char *uri; /* as it came */
	struct text upload;
	size_t discarded; /* bytes of a body that nobody wants */
	bool begun;	  /* the header is there */
	bool wanted;	  /* the body is */
};

struct exchange *exchange_new(const char *uri)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange)
		exchange->uri = strdup(uri);
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
	free(exchange);
	return NULL;
}

bool exchange_begin(struct exchange *exchange, bool wanted)
{
	bool first = !exchange->begun;

	exchange->begun = true;
	exchange->wanted = wanted;
	return first;
}

bool exchange_take(struct exchange *exchange, const char *bytes, size_t *n)
{
	if (exchange->wanted && !exchange->discarded &&
	    *n <= REST_BODY_MAX - exchange->upload.len) {
		text_add(&exchange->upload, bytes, *n);
	} else {
		exchange->discarded += *n;
		text_release(&exchange->upload);
	}
	*n = 0;
	return exchange->discarded <= DISCARD_MAX && text_status(&exchange->upload) == 0;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Who asks, for the log. */
static void client_name(struct MHD_Connection *connection, char *name, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sockaddr_storage address;
	struct ucred peer;
	socklen_t len = sizeof(address), peer_len = sizeof(peer);
	char host[NI_MAXHOST];

	snprintf(name, size, "somebody");
	if (!info || getpeername(info->connect_fd, (struct sockaddr *)&address, &len) < 0)
		return;
	if (address.ss_family != AF_UNIX && getnameinfo((struct sockaddr *)&address, len, host,
							sizeof(host), NULL, 0, NI_NUMERICHOST) == 0)
		snprintf(name, size, "%s", host);
	else if (address.ss_family == AF_UNIX &&
		 getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) == 0)
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

static bool is_safe(const char *method)
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
	request.body = exchange->upload.data;
	request.len = exchange->upload.len;
	return request;
}

/* What no change may come from, whatever it is. true: answer says why. */
static bool refuse_origin(struct MHD_Connection *connection, const char *method,
			  struct rest_answer *answer)
{
	if (is_safe(method) || !header(connection, MHD_HTTP_HEADER_ORIGIN))
		return false;
	rest_answer_words(answer, MHD_HTTP_FORBIDDEN,
			  "a web page cannot change anything: the request has an Origin header");
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
	if (refuse_origin(connection, method, answer) || rest_refuse(&request, answer))
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
	else if (!refuse_origin(connection, method, answer))
		rest_run(&request, answer);
	if (answer->changes)
		log_change(connection, &request, answer);
}
