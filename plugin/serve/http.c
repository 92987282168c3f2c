/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http.h"
#include "base/log.h"
#include "base/thread.h"
#include "export/openmetrics.h"
#include "export/status.h"
#include "serve/listener.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT "9936"
#define SOCKET_MODE  0660

/* What the library is given to hold a piece of a response. */
#define BLOCK_SIZE (64 * 1024)

struct http {
	struct registry *registry;
	struct MHD_Daemon *daemon;
	char *socket_file; /* removed at the end; NULL for TCP */
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

	text_printf(&text, "%s\n", error_message(err));
	return respond_text(connection,
			    err->code == -ENOENT ? MHD_HTTP_NOT_FOUND
						 : MHD_HTTP_INTERNAL_SERVER_ERROR,
			    text_str(&text));
}

static enum MHD_Result get_metrics(struct http *http, struct MHD_Connection *connection)
{
	const char *monitor =
		MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "monitor");
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	enum exposition exposition = exposition_negotiate(accept);
	_cleanup_error_ struct error err = {};
	struct MHD_Response *response;
	struct body *body = calloc(1, sizeof(*body));
	struct view view;
	int r;

	if (!body)
		return MHD_NO;
	r = registry_view(http->registry, monitor, &view, &err);
	if (r == 0)
		r = openmetrics_stream_new(&view, exposition, &body->stream, &err);
	if (r < 0) {
		free(body);
		return respond_error(connection, &err);
	}
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, body_read, body,
						     body_free);
	if (!response) {
		body_free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
	return respond(connection, MHD_HTTP_OK, exposition_content_type(exposition), response);
}

static enum MHD_Result get_healthz(struct http *http, struct MHD_Connection *connection)
{
	_cleanup_text_ struct text text = {};
	_cleanup_error_ struct error err = {};
	int troubles = status_troubles(http->registry, &text, &err);

	if (troubles < 0)
		return respond_error(connection, &err);
	if (!troubles)
		text_adds(&text, "ok\n");
	return respond_text(connection, troubles ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
			    text_str(&text));
}

static enum MHD_Result get_root(struct http *http, struct MHD_Connection *connection)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_text_ struct text text = {};
	_cleanup_error_ struct error err = {};

	if (registry_list(http->registry, NULL, &list, &err) < 0)
		return respond_error(connection, &err);
	text_adds(&text, "collectd-dynmon " DYNMON_VERSION "\n/metrics\n/healthz\n\n");
	for (size_t i = 0; i < list.n; i++)
		status_line(list.monitors[i], &text);
	return respond_text(connection, MHD_HTTP_OK, text_str(&text));
}

static const struct route {
	const char *path;
	enum MHD_Result (*get)(struct http *http, struct MHD_Connection *connection);
} routes[] = {
	{ "/metrics", get_metrics },
	{ "/healthz", get_healthz },
	{ "/", get_root },
};

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **context)
{
	static int seen;

	(void)version;
	(void)upload;
	/* The first call comes with the header alone; a body is read and thrown away. */
	if (!*context) {
		*context = &seen;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		struct MHD_Response *response;

		if (strcmp(routes[i].path, url) != 0)
			continue;
		if (!strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD))
			return routes[i].get(data, connection);
		response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
		if (response)
			MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
		return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", response);
	}
	return respond_text(connection, MHD_HTTP_NOT_FOUND, "there are /metrics, /healthz and /\n");
}

static int listen_tcp(const char *host, const char *port, struct error *err)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *addresses;
	int r = getaddrinfo(host, port, &hints, &addresses), code = -EADDRNOTAVAIL, fd = -1;

	if (r)
		return error_set(err, -EADDRNOTAVAIL, "<Http>: Host \"%s\" Port \"%s\": %s", host,
				 port, gai_strerror(r));
	for (struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next) {
		int on = 1;

		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd < 0) {
			code = -errno;
			continue;
		}
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
			code = -errno;
			fd_close(&fd);
		}
	}
	freeaddrinfo(addresses);
	if (fd < 0)
		return error_set(err, code, "<Http>: Host \"%s\" Port \"%s\": %s", host, port,
				 strerror(-code));
	return fd;
}

int http_start(const struct http_settings *settings, struct registry *registry, struct http **ret,
	       struct error *err)
{
	const char *host = settings->host ? settings->host : DEFAULT_HOST;
	const char *port = settings->port ? settings->port : DEFAULT_PORT;
	struct http *http = calloc(1, sizeof(*http));
	sigset_t old;
	int fd;

	if (!http)
		return error_oom(err);
	http->registry = registry;
	if (settings->socket_file)
		fd = listener_open(settings->socket_file, NULL, SOCKET_MODE, false, err);
	else
		fd = listen_tcp(host, port, err);
	if (fd < 0) {
		free(http);
		return fd;
	}
	http->socket_file = settings->socket_file ? strdup(settings->socket_file) : NULL;
	if (settings->socket_file)
		snprintf(http->address, sizeof(http->address), "%s", settings->socket_file);
	else
		snprintf(http->address, sizeof(http->address), "http://%s:%s", host, port);
	signals_block(&old);
	http->daemon =
		MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, answer,
				 http, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				 (unsigned int)HTTP_CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				 (unsigned int)HTTP_TIMEOUT_SECONDS, MHD_OPTION_END);
	signals_restore(&old);
	if (!http->daemon) {
		close(fd);
		free(http->socket_file);
		free(http);
		return error_set(err, -EIO, "<Http>: libmicrohttpd cannot start");
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
	if (http->socket_file)
		unlink(http->socket_file);
	free(http->socket_file);
	free(http);
	return NULL;
}
