/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_route.h"
#include "export/negotiation.h"
#include "export/openmetrics.h"
#include "export/overview.h"
#include "export/status.h"
#include "serve/http_header.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* page_html[] and page_policy[], generated from page.html by the script embed. */
#include "page.inc"

/* Limit of N in look=N: series per metric. */
#define LOOK_MAX 10000

/* Returns NULL if there is no such argument, "" for an argument without =. */
static const char *find_argument(struct MHD_Connection *connection, const char *name)
{
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, name, strlen(name),
					  &value, NULL) == MHD_NO)
		return NULL;
	return value ? value : "";
}

static const char *const vary_accept[][2] = {
	{ MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT },
	{},
};

static int get_metrics(struct exchange *exchange, struct http_answer *answer, struct error *err)
{
	const char *monitor = find_argument(exchange->connection, "monitor");
	const char *look = find_argument(exchange->connection, "look");
	const struct encoding *encoding =
		negotiate_encoding(http_header_find(exchange->connection, MHD_HTTP_HEADER_ACCEPT));
	struct snapshot snapshot;
	char *end = NULL;
	unsigned long n = look ? strtoul(look, &end, 10) : 0;
	int r;

	if (look && (*look < '0' || *look > '9' || *end || !n || n > LOOK_MAX))
		return error_set(err, -EINVAL,
				 "look: expected a number from 1 to %d, found \"%.60s\"", LOOK_MAX,
				 look);
	r = registry_snapshot(exchange->request.registry, monitor, &snapshot, err);
	if (r < 0)
		return r;
	if (!look && exchange->request.foreign && http_snapshot_takes(&snapshot)) {
		snapshot_release(&snapshot);
		return error_set(err, -EPERM, HTTP_FOREIGN);
	}
	answer->content_type = encoding->content_type;
	answer->headers = vary_accept;
	return look ? openmetrics_look_new(&snapshot, encoding, (uint32_t)n, &answer->stream, err)
		    : openmetrics_stream_new(&snapshot, encoding, &answer->stream, err);
}

static int get_healthz(struct exchange *exchange, struct http_answer *answer, struct error *err)
{
	int troubles = status_troubles(exchange->request.registry, &answer->body, err);

	if (troubles == 0)
		text_adds(&answer->body, "ok\n");
	else if (troubles > 0)
		answer->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	return troubles;
}

static int get_status(struct exchange *exchange, struct http_answer *answer, struct error *err)
{
	static const char *const headers[][2] = {
		{ MHD_HTTP_HEADER_CACHE_CONTROL, "no-store" },
		{},
	};
	const char *monitor = find_argument(exchange->connection, "monitor");
	struct registry *registry = exchange->request.registry;

	answer->content_type = "application/json";
	answer->headers = headers;
	return monitor ? overview_monitor_json(registry, monitor, &answer->body, err)
		       : overview_json(registry, &answer->body, err);
}

/* Returns true if an Accept header (NULL: none) lists text/html, as that of a browser does. */
static bool accepts_html(const char *accept)
{
	static const char html[] = "text/html";

	for (const char *entry = accept; entry && *entry; entry += *entry == ',') {
		entry += strspn(entry, " \t");
		if (!strncasecmp(entry, html, strlen(html)) &&
		    (!entry[strlen(html)] || strchr(" \t;,", entry[strlen(html)])))
			return true;
		entry += strcspn(entry, ",");
	}
	return false;
}

static int get_root(struct exchange *exchange, struct http_answer *answer, struct error *err)
{
	/* They forbid the browser to run, load or embed anything else. */
	static const char *const page_headers[][2] = {
		{ MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache" },
		{ MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT },
		{ "Content-Security-Policy", page_policy },
		{ "Referrer-Policy", "no-referrer" },
		{ "X-Content-Type-Options", "nosniff" },
		{},
	};
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	int r;

	if (accepts_html(http_header_find(exchange->connection, MHD_HTTP_HEADER_ACCEPT))) {
		answer->content_type = "text/html; charset=utf-8";
		answer->headers = page_headers;
		text_adds(&answer->body, page_html);
		return 0;
	}
	r = registry_list(exchange->request.registry, NULL, &list, err);
	if (r < 0)
		return r;
	answer->headers = vary_accept;
	text_adds(&answer->body,
		  "collectd-dynmon " DYNMON_VERSION "\n/metrics\n/healthz\n/status\n\n");
	for (size_t i = 0; i < list.n; i++)
		status_line(list.monitors[i], &answer->body);
	return 0;
}

static const struct http_route {
	const char *path;
	/* Returns -errno for an error; otherwise the answer is complete. Its default is text. */
	int (*get)(struct exchange *exchange, struct http_answer *answer, struct error *err);
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

void http_route_run(const struct http_route *route, struct exchange *exchange,
		    struct http_answer *answer)
{
	_cleanup_error_ struct error err = {};
	unsigned int status = MHD_HTTP_INTERNAL_SERVER_ERROR;

	answer->content_type = HTTP_TEXT;
	answer->status = MHD_HTTP_OK;
	if (strcmp(exchange->method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(exchange->method, MHD_HTTP_METHOD_HEAD) != 0) {
		answer->status = MHD_HTTP_METHOD_NOT_ALLOWED;
		text_adds(&answer->allow, "GET, HEAD");
		return;
	}
	if (route->get(exchange, answer, &err) >= 0)
		return;
	if (err.code == -ENOENT)
		status = MHD_HTTP_NOT_FOUND;
	else if (err.code == -EINVAL)
		status = MHD_HTTP_BAD_REQUEST;
	else if (err.code == -EPERM)
		status = MHD_HTTP_FORBIDDEN;
	answer->headers = NULL;
	http_answer_text(answer, status, error_message(&err));
}
