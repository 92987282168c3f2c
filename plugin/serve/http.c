/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http.h"
#include "base/thread.h"
#include "serve/http_header.h"
#include "serve/http_route.h"
#include "serve/listener.h"

#include <errno.h>
#include <microhttpd.h>
#include <string.h>

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT "9936"
#define SOCKET_MODE  0660

/*
 * The connection limit of libmicrohttpd, which closes excess connections at once. The limit is
 * larger than http_clients needs, because ended connections still count until they are closed.
 */
#define CONNECTIONS_MAX (2 * HTTP_CLIENTS_MAX)

/* Memory of a connection for the header of the request and its parsed form. */
#define HEADER_MAX (32 * 1024)

struct http {
	struct MHD_Daemon *daemon;
	struct http_clients *clients;
	struct http_names *names;   /* NULL: a unix socket, which accepts every Host */
	struct http_request common; /* the members that all requests have in common */
	int listen_fd;
	char *socket_file; /* unlinked at the end; NULL for TCP */
	char address[128];
};

static void answer_busy(struct http_answer *answer)
{
	http_answer_text(answer, MHD_HTTP_SERVICE_UNAVAILABLE,
			 "too many requests are in progress; nothing was done, try again");
}

/*
 * The header is complete; a client may be waiting for "100 Continue". Returns true if the request
 * must be refused with the answer. route: NULL for the REST API.
 */
static bool check_header(struct http *http, struct exchange *exchange,
			 const struct http_route *route, bool change, const struct http_line *line,
			 struct http_answer *answer)
{
	struct MHD_Connection *connection = exchange->connection;
	_cleanup_error_ struct error err = {};
	unsigned int status;

	exchange->begun = true;
	exchange->wanted = !route && http->common.writes;
	snprintf(exchange->method, sizeof(exchange->method), "%s", line->method);
	status = http_header_check(connection, line, exchange->uri, http->names, &err);
	if (status) {
		http_answer_text(answer, status, error_message(&err));
		return true;
	}
	if (exchange->ended || http_clients_are_busy(http->clients, change)) {
		answer_busy(answer);
		return true;
	}
	exchange->request.host = http_header_find(connection, MHD_HTTP_HEADER_HOST);
	exchange->request.foreign = http_header_is_foreign(connection);
	return !route && exchange_precheck(exchange, answer);
}

/*
 * Called by libmicrohttpd when the header is complete, then with each block of the body, and then
 * for the answer.
 */
static enum MHD_Result answer_request(void *data, struct MHD_Connection *connection,
				      const char *url, const char *method, const char *version,
				      const char *upload, size_t *upload_size, void **context)
{
	_cleanup_(http_answer_release) struct http_answer answer = {};
	const struct http_route *route = http_route_find(url);
	struct exchange *exchange = *context;
	struct http *http = data;
	bool change = !route && http->common.writes && !http_method_is_safe(method);
	enum MHD_Result result;

	(void)connection;
	if (!exchange)
		return MHD_NO;
	if (!exchange->begun) {
		const struct http_line line = { method, url, strlen(exchange->uri), version };

		return check_header(http, exchange, route, change, &line, &answer)
			       ? exchange_refuse(exchange, &answer)
			       : MHD_YES;
	}
	if (*upload_size)
		return exchange_receive(exchange, upload, upload_size) ? MHD_YES : MHD_NO;
	if (text_status(&exchange->upload) < 0) {
		http_answer_text(&answer, MHD_HTTP_SERVICE_UNAVAILABLE,
				 "out of memory: nothing was done, try again");
		return exchange_refuse(exchange, &answer);
	}
	switch (http_client_admit(exchange->client, change)) {
	case HTTP_ADMITTED:
		break;
	case HTTP_BUSY:
		answer_busy(&answer);
		return exchange_refuse(exchange, &answer);
	case HTTP_ENDED:
		return MHD_NO;
	}
	if (route)
		http_route_run(route, exchange, &answer);
	else
		exchange_run(exchange, &answer);
	result = exchange_respond(exchange, &answer);
	http_client_enter(exchange->client, HTTP_ANSWERING);
	return result;
}

/* Creates the object that libmicrohttpd keeps for a request. Returns NULL if memory ran out. */
static void *begin_request(void *data, const char *uri, struct MHD_Connection *connection)
{
	struct http *http = data;

	return exchange_new(connection, http->clients, &http->common, uri);
}

static void end_request(void *data, struct MHD_Connection *connection, void **context,
			enum MHD_RequestTerminationCode how)
{
	(void)data;
	exchange_end(*context, how);
	*context = NULL;
	http_client_enter(exchange_client(connection), HTTP_IDLE);
}

static void follow_connection(void *data, struct MHD_Connection *connection, void **context,
			      enum MHD_ConnectionNotificationCode what)
{
	struct http *http = data;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = http_clients_add(http->clients, info->connect_fd);
	} else {
		http_client_remove(*context);
		*context = NULL;
	}
}

static void hand_over(void *data, int fd, const struct sockaddr *address, socklen_t len)
{
	struct http *http = data;

	MHD_add_connection(http->daemon, fd, address, len);
}

/* -- the listener -- */

/* Frees the objects of http_start(); none of its threads may run any more. */
static struct http *free_http(struct http *http)
{
	http_clients_free(http->clients);
	http_names_free(http->names);
	if (http->socket_file && http->listen_fd >= 0)
		unlink(http->socket_file);
	fd_close(&http->listen_fd);
	free(http->socket_file);
	free(http);
	return NULL;
}

static int open_listener(struct http *http, const struct http_settings *settings,
			 const char *hostname, struct error *err)
{
	const char *host = settings->host ? settings->host : DEFAULT_HOST;
	const char *port = settings->port ? settings->port : DEFAULT_PORT;

	if (settings->socket_file) {
		http->socket_file = strdup(settings->socket_file);
		if (!http->socket_file)
			return error_oom(err);
		snprintf(http->address, sizeof(http->address), "%s", settings->socket_file);
		http->listen_fd =
			listener_open(settings->socket_file, NULL, SOCKET_MODE, false, err);
	} else {
		http->names = http_names_new(settings, hostname);
		if (!http->names)
			return error_oom(err);
		snprintf(http->address, sizeof(http->address),
			 strchr(host, ':') ? "http://[%s]:%s" : "http://%s:%s", host, port);
		http->listen_fd = listener_open_tcp(host, port, err);
	}
	return http->listen_fd < 0 ? http->listen_fd : 0;
}

/*
 * Only http_clients limits times: the timeout of libmicrohttpd would include the time that the
 * plugin works. Since version 1.0 the strict mode of libmicrohttpd refuses malformed headers that
 * http_header_check() cannot see; before 1.0 that mode would close such a connection without an
 * answer.
 */
static int start_daemon(struct http *http, struct error *err)
{
	int strict = *MHD_get_version() != '0';
	sigset_t old;

	signals_block(&old);
	http->daemon = MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET,
		0, NULL, NULL, answer_request, http, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MAX,
		MHD_OPTION_STRICT_FOR_CLIENT, strict, MHD_OPTION_URI_LOG_CALLBACK, begin_request,
		http, MHD_OPTION_NOTIFY_COMPLETED, end_request, http, MHD_OPTION_NOTIFY_CONNECTION,
		follow_connection, http, MHD_OPTION_END);
	signals_restore(&old);
	return http->daemon ? 0 : error_set(err, -EIO, "Http: libmicrohttpd cannot start");
}

int http_start(const struct http_settings *settings, const char *hostname,
	       struct registry *registry, struct http **ret, struct error *err)
{
	struct http *http = calloc(1, sizeof(*http));
	int r;

	if (!http)
		return error_oom(err);
	http->listen_fd = -1;
	http->common = (struct http_request){
		.registry = registry,
		.writes = http_settings_allow_writes(settings),
		.listener = http->address,
	};
	r = open_listener(http, settings, hostname, err);
	if (r == 0)
		r = http_clients_new(http->listen_fd, http->address, hand_over, http,
				     &http->clients, err);
	if (r == 0)
		r = start_daemon(http, err);
	if (r == 0) {
		r = http_clients_start(http->clients, err);
		if (r < 0)
			MHD_stop_daemon(http->daemon);
	}
	if (r < 0) {
		free_http(http);
		return r;
	}
	*ret = http;
	return 0;
}

const char *http_address(const struct http *http)
{
	return http->address;
}

struct http *http_stop(struct http *http)
{
	if (!http)
		return NULL;
	http_clients_stop(http->clients);
	MHD_stop_daemon(http->daemon);
	return free_http(http);
}
