/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http.h"
#include "base/log.h"
#include "base/thread.h"
#include "export/openmetrics.h"
#include "export/overview.h"
#include "export/status.h"
#include "serve/http_clients.h"
#include "serve/http_exchange.h"
#include "serve/listener.h"
#include "serve/page.h"

#include <errno.h>
#include <microhttpd.h>
#include <string.h>

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT "9936"
#define SOCKET_MODE  0660

/* Series of each metric, for who only looks. */
#define LOOK_MAX 10000

/* What the library is given to hold a piece of a response. */
#define BLOCK_SIZE (64 * 1024)

/*
 * Connections that libmicrohttpd lets in while those in excess are on their way out. Over that it
 * closes at once whoever comes, so that there is room for many that come at the same time.
 */
#define CLIENTS_SPARE 192

/* Of a connection, for its request's header and what is made of it. */
#define HEADER_MAX (32 * 1024)

struct http {
	struct registry *registry;
	struct MHD_Daemon *daemon;
	struct http_clients *clients;
	struct rest_request rest; /* what all requests have in common */
	char *socket_file;	  /* removed at the end; NULL for TCP */
	char address[128];
};

/* A stream on its way to a client. */
struct body {
	struct stream *stream;
	struct text text;
	size_t sent;
	bool ended;
};

static void body_free(void *data)
{
	struct body *body = data;

	stream_free(body->stream);
	text_release(&body->text);
	free(body);
}

static ssize_t body_read(void *data, uint64_t position, char *buffer, size_t size)
{
	struct body *body = data;
	size_t n;

	(void)position;
	while (body->sent == body->text.len) {
		_cleanup_error_ struct error err = {};
		int r;

		if (body->ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		text_clear(&body->text);
		body->sent = 0;
		r = stream_next(body->stream, &body->text, &err);
		if (r < 0) {
			log_error("http: %s", error_message(&err));
			return MHD_CONTENT_READER_END_WITH_ERROR;
		}
		body->ended = r == 0;
	}
	n = body->text.len - body->sent;
	if (n > size)
		n = size;
	memcpy(buffer, body->text.data + body->sent, n);
	body->sent += n;
	return (ssize_t)n;
}

/*
 * The response of a stream, which it takes; NULL: out of memory. What HEAD asks for ends with the
 * connection: the library would send the end of a body in pieces, which the client takes for the
 * beginning of the next answer.
 */
static struct MHD_Response *stream_response(struct stream **stream, bool head)
{
	struct body *body = calloc(1, sizeof(*body));
	struct MHD_Response *response;

	if (!body)
		return NULL;
	body->stream = steal_ptr(stream);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, body_read, body,
						     body_free);
	if (!response)
		body_free(body);
	else if (head)
		MHD_set_response_options(response, MHD_RF_HTTP_VERSION_1_0_ONLY, MHD_RO_END);
	return response;
}

/* Queues a response and lets go of it. */
static enum MHD_Result respond(struct MHD_Connection *connection, unsigned int status,
			       const char *content_type, struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, unsigned int status,
				    const char *text)
{
	return respond(
		connection, status, "text/plain; charset=utf-8",
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result respond_error(struct MHD_Connection *connection, const struct error *err)
{
	_cleanup_text_ struct text text = {};
	unsigned int status = MHD_HTTP_INTERNAL_SERVER_ERROR;

	if (err->code == -ENOENT)
		status = MHD_HTTP_NOT_FOUND;
	else if (err->code == -EINVAL)
		status = MHD_HTTP_BAD_REQUEST;
	text_printf(&text, "%s\n", error_message(err));
	return respond_text(connection, status, text_str(&text));
}

/* 0: the client does not only look. */
static int take_look(struct MHD_Connection *connection, uint32_t *look, struct error *err)
{
	const char *value = NULL;
	unsigned long n;
	char *end;

	*look = 0;
	if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "look", strlen("look"),
					  &value, NULL) == MHD_NO)
		return 0;
	if (!value) /* without an = */
		value = "";
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || !n || n > LOOK_MAX)
		return error_set(err, -EINVAL,
				 "look: expected a number from 1 to %d, found \"%.60s\"", LOOK_MAX,
				 value);
	*look = (uint32_t)n;
	return 0;
}

static enum MHD_Result get_metrics(struct http *http, struct MHD_Connection *connection, bool head)
{
	const char *monitor =
		MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "monitor");
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	enum exposition exposition = exposition_negotiate(accept);
	_cleanup_(stream_freep) struct stream *stream = NULL;
	_cleanup_error_ struct error err = {};
	struct MHD_Response *response;
	struct view view;
	uint32_t look;
	int r;

	r = take_look(connection, &look, &err);
	if (r == 0)
		r = registry_view(http->registry, monitor, &view, &err);
	if (r == 0)
		r = look ? openmetrics_look_new(&view, exposition, look, &stream, &err)
			 : openmetrics_stream_new(&view, exposition, &stream, &err);
	if (r < 0)
		return respond_error(connection, &err);
	response = stream_response(&stream, head);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
	return respond(connection, MHD_HTTP_OK, exposition_content_type(exposition), response);
}

static enum MHD_Result get_healthz(struct http *http, struct MHD_Connection *connection, bool head)
{
	_cleanup_text_ struct text text = {};
	_cleanup_error_ struct error err = {};
	int troubles = status_troubles(http->registry, &text, &err);

	(void)head;
	if (troubles < 0)
		return respond_error(connection, &err);
	if (!troubles)
		text_adds(&text, "ok\n");
	return respond_text(connection, troubles ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
			    text_str(&text));
}

static enum MHD_Result get_status(struct http *http, struct MHD_Connection *connection, bool head)
{
	const char *monitor =
		MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "monitor");
	_cleanup_text_ struct text text = {};
	_cleanup_error_ struct error err = {};
	struct MHD_Response *response;
	int r = monitor ? overview_monitor_json(http->registry, monitor, &text, &err)
			: overview_json(http->registry, &text, &err);

	(void)head;
	if (r < 0)
		return respond_error(connection, &err);
	response = MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_COPY);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	return respond(connection, MHD_HTTP_OK, "application/json", response);
}

static enum MHD_Result get_root(struct http *http, struct MHD_Connection *connection, bool head)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_text_ struct text text = {};
	_cleanup_error_ struct error err = {};
	struct MHD_Response *response;

	(void)head;
	if (page_is_wanted(MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_ACCEPT)))
		return respond(connection, MHD_HTTP_OK, "text/html; charset=utf-8",
			       page_response());
	if (registry_list(http->registry, NULL, &list, &err) < 0)
		return respond_error(connection, &err);
	text_adds(&text, "collectd-dynmon " DYNMON_VERSION "\n/metrics\n/healthz\n/status\n\n");
	for (size_t i = 0; i < list.n; i++)
		status_line(list.monitors[i], &text);
	response = MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_COPY);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
	return respond(connection, MHD_HTTP_OK, "text/plain; charset=utf-8", response);
}

static const struct route {
	const char *path;
	enum MHD_Result (*get)(struct http *http, struct MHD_Connection *connection, bool head);
} routes[] = {
	{ "/metrics", get_metrics },
	{ "/healthz", get_healthz },
	{ "/status", get_status },
	{ "/", get_root },
};

/* -- requests -- */

static struct http_client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* libmicrohttpd's own timeout would count the time that we work. */
static void enter(struct http *http, struct MHD_Connection *connection, enum http_phase phase)
{
	MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
				  phase == HTTP_WORKING ? 0U : (unsigned int)HTTP_TIMEOUT_SECONDS);
	http_client_enter(http->clients, client_of(connection), phase);
}

static bool is_head(const char *method)
{
	return !strcmp(method, MHD_HTTP_METHOD_HEAD);
}

/* Takes what is in the answer. */
static enum MHD_Result respond_rest(struct MHD_Connection *connection, struct rest_answer *answer,
				    bool head)
{
	struct MHD_Response *response;

	if (answer->stream)
		response = stream_response(&answer->stream, head);
	else
		response = MHD_create_response_from_buffer(
			answer->body.len, (void *)text_str(&answer->body), MHD_RESPMEM_MUST_COPY);
	if (response && answer->location.len)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION,
					text_str(&answer->location));
	if (response && answer->allow.len)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, text_str(&answer->allow));
	return respond(connection, answer->status, answer->content_type, response);
}

static enum MHD_Result run_rest(struct http *http, struct MHD_Connection *connection,
				const char *method, struct exchange *exchange)
{
	_cleanup_(rest_answer_release) struct rest_answer answer = {};

	exchange_run(exchange, connection, method, &http->rest, &answer);
	return respond_rest(connection, &answer, is_head(method));
}

/* The header is there. A client may wait to be told whether its body is wanted. */
static enum MHD_Result begin_rest(struct http *http, struct MHD_Connection *connection,
				  const char *method, struct exchange *exchange)
{
	_cleanup_(rest_answer_release) struct rest_answer answer = {};

	if (!exchange_refuse(exchange, connection, method, &http->rest, &answer))
		return MHD_YES;
	enter(http, connection, HTTP_ANSWERING);
	return respond_rest(connection, &answer, is_head(method));
}

/* NULL: it is the REST's. */
static const struct route *find_route(const char *url)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (!strcmp(routes[i].path, url))
			return &routes[i];
	return NULL;
}

static enum MHD_Result run_route(struct http *http, struct MHD_Connection *connection,
				 const struct route *route, const char *method)
{
	struct MHD_Response *response;

	if (!strcmp(method, MHD_HTTP_METHOD_GET) || is_head(method))
		return route->get(http, connection, is_head(method));
	response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", response);
}

/* Called with the header, then with the pieces of the body, and then to be answered. */
static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **context)
{
	const struct route *route = find_route(url);
	struct exchange *exchange = *context;
	struct http *http = data;
	enum MHD_Result result;

	(void)version;
	if (!exchange)
		return MHD_NO;
	if (exchange_begin(exchange, !route && http->rest.writes))
		return route ? MHD_YES : begin_rest(http, connection, method, exchange);
	if (*upload_size)
		return exchange_take(exchange, upload, upload_size) ? MHD_YES : MHD_NO;
	enter(http, connection, HTTP_WORKING);
	result = route ? run_route(http, connection, route, method)
		       : run_rest(http, connection, method, exchange);
	enter(http, connection, HTTP_ANSWERING);
	return result;
}

/* What libmicrohttpd keeps for the request; NULL: out of memory. */
static void *begin_request(void *data, const char *uri, struct MHD_Connection *connection)
{
	(void)data;
	(void)connection;
	return exchange_new(uri);
}

static void end_request(void *data, struct MHD_Connection *connection, void **context,
			enum MHD_RequestTerminationCode how)
{
	(void)how;
	*context = exchange_free(*context);
	enter(data, connection, HTTP_WAITING);
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
		http_clients_remove(http->clients, *context);
		*context = NULL;
	}
}

int http_start(const struct http_settings *settings, struct registry *registry, struct http **ret,
	       struct error *err)
{
	const char *host = settings->host ? settings->host : DEFAULT_HOST;
	const char *port = settings->port ? settings->port : DEFAULT_PORT;
	struct http *http = calloc(1, sizeof(*http));
	sigset_t old;
	int fd, r;

	if (!http)
		return error_oom(err);
	http->registry = registry;
	if (settings->socket_file)
		fd = listener_open(settings->socket_file, NULL, SOCKET_MODE, false, err);
	else
		fd = listener_open_tcp(host, port, err);
	if (fd < 0) {
		free(http);
		return fd;
	}
	http->socket_file = settings->socket_file ? strdup(settings->socket_file) : NULL;
	if (settings->socket_file)
		snprintf(http->address, sizeof(http->address), "%s", settings->socket_file);
	else
		snprintf(http->address, sizeof(http->address),
			 strchr(host, ':') ? "http://[%s]:%s" : "http://%s:%s", host, port);
	http->rest = (struct rest_request){
		.registry = registry,
		.writes = http_settings_allow_writes(settings),
		.where = http->address,
	};
	r = http_clients_start(&http->clients, err);
	signals_block(&old);
	if (r == 0)
		http->daemon = MHD_start_daemon(
			MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
				MHD_USE_POLL | MHD_USE_ITC,
			0, NULL, NULL, answer, http, MHD_OPTION_LISTEN_SOCKET, fd,
			MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CLIENTS_MAX + CLIENTS_SPARE,
			MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_TIMEOUT_SECONDS,
			MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MAX,
			MHD_OPTION_URI_LOG_CALLBACK, begin_request, http,
			MHD_OPTION_NOTIFY_COMPLETED, end_request, http,
			MHD_OPTION_NOTIFY_CONNECTION, follow_connection, http, MHD_OPTION_END);
	signals_restore(&old);
	if (r == 0 && !http->daemon)
		r = error_set(err, -EIO, "<Http>: libmicrohttpd cannot start");
	if (r < 0) {
		http_clients_stop(http->clients);
		close(fd);
		if (settings->socket_file)
			unlink(settings->socket_file);
		free(http->socket_file);
		free(http);
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
	MHD_stop_daemon(http->daemon);
	http_clients_stop(http->clients);
	if (http->socket_file)
		unlink(http->socket_file);
	free(http->socket_file);
	free(http);
	return NULL;
}
