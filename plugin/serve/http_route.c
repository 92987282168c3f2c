/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_route.h"
#include "export/negotiation.h"
#include "export/openmetrics.h"
#include "export/overview.h"
#include "export/status.h"
#include "serve/http_response.h"
#include "serve/page.h"

#include <errno.h>
#include <string.h>

/* Limit of N in look=N: series per metric. */
#define LOOK_MAX 10000

static enum MHD_Result respond_text(struct MHD_Connection *connection, struct exchange *exchange,
				    unsigned int status, struct text *text)
{
	return http_respond(connection, exchange, status, "text/plain; charset=utf-8",
			    http_response_text(exchange, text));
}

static enum MHD_Result respond_error(struct MHD_Connection *connection, struct exchange *exchange,
				     const struct error *err)
{
	_cleanup_text_ struct text text = {};
	unsigned int status = MHD_HTTP_INTERNAL_SERVER_ERROR;

	if (err->code == -ENOENT)
		status = MHD_HTTP_NOT_FOUND;
	else if (err->code == -EINVAL)
		status = MHD_HTTP_BAD_REQUEST;
	else if (err->code == -EPERM)
		status = MHD_HTTP_FORBIDDEN;
	text_printf(&text, "%s\n", error_message(err));
	return respond_text(connection, exchange, status, &text);
}

/* Returns NULL if there is no such argument, "" for an argument without =. */
static const char *find_argument(struct MHD_Connection *connection, const char *name)
{
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, name, strlen(name),
					  &value, NULL) == MHD_NO)
		return NULL;
	return value ? value : "";
}

/* Sets *look to the number of look=N, or to 0 without this argument. */
static int take_look(struct MHD_Connection *connection, uint32_t *look, struct error *err)
{
	const char *value = find_argument(connection, "look");
	unsigned long n;
	char *end;

	*look = 0;
	if (!value)
		return 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || !n || n > LOOK_MAX)
		return error_set(err, -EINVAL,
				 "look: expected a number from 1 to %d, found \"%.60s\"", LOOK_MAX,
				 value);
	*look = (uint32_t)n;
	return 0;
}

static enum MHD_Result get_metrics(struct registry *registry, struct MHD_Connection *connection,
				   struct exchange *exchange, bool head)
{
	const char *monitor = find_argument(connection, "monitor");
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	const struct encoding *encoding = negotiate_encoding(accept);
	_cleanup_(stream_freep) struct stream *stream = NULL;
	_cleanup_error_ struct error err = {};
	struct MHD_Response *response;
	struct snapshot snapshot;
	uint32_t look;
	int r;

	r = take_look(connection, &look, &err);
	if (r == 0)
		r = registry_snapshot(registry, monitor, &snapshot, &err);
	if (r == 0 && !look && exchange->foreign && rest_snapshot_takes(&snapshot)) {
		snapshot_release(&snapshot);
		r = error_set(&err, -EPERM, REST_FOREIGN);
	}
	if (r == 0)
		r = look ? openmetrics_look_new(&snapshot, encoding, look, &stream, &err)
			 : openmetrics_stream_new(&snapshot, encoding, &stream, &err);
	if (r < 0)
		return respond_error(connection, exchange, &err);
	response = http_response_stream(exchange, &stream, head);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
	return http_respond(connection, exchange, MHD_HTTP_OK, encoding->content_type, response);
}

static enum MHD_Result get_healthz(struct registry *registry, struct MHD_Connection *connection,
				   struct exchange *exchange, bool head)
{
	_cleanup_text_ struct text text = {};
	_cleanup_error_ struct error err = {};
	int troubles = status_troubles(registry, &text, &err);

	(void)head;
	if (troubles < 0)
		return respond_error(connection, exchange, &err);
	if (!troubles)
		text_adds(&text, "ok\n");
	return respond_text(connection, exchange,
			    troubles ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, &text);
}

static enum MHD_Result get_status(struct registry *registry, struct MHD_Connection *connection,
				  struct exchange *exchange, bool head)
{
	const char *monitor = find_argument(connection, "monitor");
	_cleanup_text_ struct text text = {};
	_cleanup_error_ struct error err = {};
	struct MHD_Response *response;
	int r = monitor ? overview_monitor_json(registry, monitor, &text, &err)
			: overview_json(registry, &text, &err);

	(void)head;
	if (r < 0)
		return respond_error(connection, exchange, &err);
	response = http_response_text(exchange, &text);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	return http_respond(connection, exchange, MHD_HTTP_OK, "application/json", response);
}

static enum MHD_Result get_root(struct registry *registry, struct MHD_Connection *connection,
				struct exchange *exchange, bool head)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_text_ struct text text = {};
	_cleanup_error_ struct error err = {};
	struct MHD_Response *response;

	(void)head;
	if (page_is_wanted(MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_ACCEPT)))
		return http_respond(connection, exchange, MHD_HTTP_OK, "text/html; charset=utf-8",
				    page_response(exchange));
	if (registry_list(registry, NULL, &list, &err) < 0)
		return respond_error(connection, exchange, &err);
	text_adds(&text, "collectd-dynmon " DYNMON_VERSION "\n/metrics\n/healthz\n/status\n\n");
	for (size_t i = 0; i < list.n; i++)
		status_line(list.monitors[i], &text);
	response = http_response_text(exchange, &text);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
	return http_respond(connection, exchange, MHD_HTTP_OK, "text/plain; charset=utf-8",
			    response);
}

static const struct http_route {
	const char *path;
	enum MHD_Result (*get)(struct registry *registry, struct MHD_Connection *connection,
			       struct exchange *exchange, bool head);
} routes[] = {
	{ "/metrics", get_metrics },
	{ "/healthz", get_healthz },
	{ "/status", get_status },
	{ "/", get_root },
};

const struct http_route *http_route_find(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (!strcmp(routes[i].path, path))
			return &routes[i];
	return NULL;
}

bool http_is_head(const char *method)
{
	return !strcmp(method, MHD_HTTP_METHOD_HEAD);
}

enum MHD_Result http_route_run(const struct http_route *route, struct registry *registry,
			       struct MHD_Connection *connection, const char *method,
			       struct exchange *exchange)
{
	_cleanup_text_ struct text text = {};
	struct MHD_Response *response;

	if (!strcmp(method, MHD_HTTP_METHOD_GET) || http_is_head(method))
		return route->get(registry, connection, exchange, http_is_head(method));
	response = http_response_text(exchange, &text);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return http_respond(connection, exchange, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
			    response);
}
