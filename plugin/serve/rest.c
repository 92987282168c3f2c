/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rest.h"
#include "serve/rest_private.h"

#include <errno.h>
#include <microhttpd.h>

#define CUBE   REST_SERVICE "/:name"
#define CONFIG CUBE "/dataplane-config|dataplane"
#define PATH   "/ingress-path|egress-path"
#define LIST   CUBE "/metrics/ingress-metrics|egress-metrics"

/* All paths. The first matching pattern is used. */
static const struct rest_route routes[] = {
	{ "", { [REST_GET] = rest_get_root }, rest_help_root },
	{ REST_SERVICE,
	  { [REST_GET] = rest_get_cubes_of_service,
	    [REST_POST] = rest_post_service,
	    [REST_PATCH] = rest_patch_service },
	  rest_help_service },
	{ CUBE,
	  { [REST_GET] = rest_get_cube,
	    [REST_POST] = rest_post_cube,
	    [REST_PUT] = rest_post_cube,
	    [REST_PATCH] = rest_patch_cube,
	    [REST_DELETE] = rest_delete_cube },
	  rest_help_cube },
	{ CUBE "/name|uuid|type|service-name|parent",
	  { [REST_GET] = rest_get_leaf },
	  rest_help_cube },
	{ CUBE "/loglevel",
	  { [REST_GET] = rest_get_leaf, [REST_PATCH] = rest_patch_log_level },
	  rest_help_cube },
	{ CONFIG,
	  { [REST_GET] = rest_get_config,
	    [REST_POST] = rest_put_config,
	    [REST_PUT] = rest_put_config,
	    [REST_PATCH] = rest_patch_config,
	    [REST_DELETE] = rest_delete_config },
	  rest_help_cube },
	{ CONFIG PATH,
	  { [REST_GET] = rest_get_config,
	    [REST_POST] = rest_put_config,
	    [REST_PUT] = rest_put_config,
	    [REST_PATCH] = rest_patch_config,
	    [REST_DELETE] = rest_delete_config },
	  rest_help_cube },
	{ CONFIG PATH "/*", { [REST_GET] = rest_get_config }, rest_help_cube },
	{ CUBE "/metrics", { [REST_GET] = rest_get_metrics }, rest_help_cube },
	{ LIST, { [REST_GET] = rest_get_metric_list }, rest_help_cube },
	{ LIST "/:metric", { [REST_GET] = rest_get_metric }, rest_help_cube },
	{ LIST "/:metric/name|value|timestamp", { [REST_GET] = rest_get_metric }, rest_help_cube },
	{ CUBE "/open-metrics", { [REST_GET] = rest_get_open_metrics }, rest_help_cube },
	{ "attach", { [REST_POST] = rest_attach }, NULL },
	{ "detach", { [REST_POST] = rest_detach }, NULL },
	{ "cubes", { [REST_GET] = rest_get_cubes }, rest_help_list },
	{ "cubes/:name", { [REST_GET] = rest_get_base_cube }, rest_help_list },
	{ "services", { [REST_GET] = rest_get_services }, rest_help_list },
	{ "services/:name", { [REST_GET] = rest_get_services }, rest_help_list },
	{ "netdevs", { [REST_GET] = rest_get_netdevs }, rest_help_list },
	{ "netdevs/:name", { [REST_GET] = rest_get_netdevs }, rest_help_list },
	{ "version", { [REST_GET] = rest_get_version }, rest_help_list },
	{},
};

static const char *const method_names[REST_METHODS] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

static const struct rest_route *find_route(const struct rest_path *path)
{
	const struct rest_route *route = routes;

	while (route->pattern && !rest_path_matches(path, route->pattern))
		route++;
	return route->pattern ? route : NULL;
}

/* Returns true if the word is the first word of a route and therefore no monitor name. */
static bool is_keyword(const char *word)
{
	for (const struct rest_route *route = routes; route->pattern; route++) {
		size_t len = strcspn(route->pattern, "/");

		if (len && strlen(word) == len && !strncmp(route->pattern, word, len))
			return true;
	}
	return false;
}

/*
 * Redirects a monitor's path without service to the path with service. Keeps the encoding and the
 * query.
 */
static void redirect(struct rest_call *call)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	const char *uri = call->request->uri, *name = rest_word(call, 0);
	_cleanup_text_ struct text words = {};

	if (is_keyword(name)) {
		text_printf(&words, "Cannot find %.*s",
			    (int)(call->path.len > 200 ? 200 : call->path.len), uri);
		http_answer_text(call->answer, MHD_HTTP_NOT_FOUND, text_str(&words));
		return;
	}
	if (registry_list(call->request->registry, name, &list, NULL) < 0) {
		text_printf(&words, "No cube found named %.200s", name);
		http_answer_text(call->answer, MHD_HTTP_NOT_FOUND, text_str(&words));
		return;
	}
	text_printf(&call->answer->location, "%s/" REST_SERVICE "/%s",
		    call->path.prefixed ? REST_PREFIX : "", uri + call->path.rest_at);
	rest_done(call, MHD_HTTP_PERMANENT_REDIRECT);
}

static void add_allow(struct http_answer *answer, const struct rest_route *route)
{
	for (int method = 0; method < REST_METHODS; method++)
		if (route->run[method])
			text_printf(&answer->allow, "%s%s%s", answer->allow.len ? ", " : "",
				    method_names[method], method == REST_GET ? ", HEAD" : "");
	text_adds(&answer->allow, ", OPTIONS");
}

static void run_options(struct rest_call *call, const struct rest_route *route)
{
	_cleanup_free_ char *what = rest_query(call->request->uri, "help");

	if (!what) {
		add_allow(call->answer, route);
		rest_done(call, MHD_HTTP_NO_CONTENT);
	} else if (route->help) {
		route->help(call, what);
	} else {
		http_answer_text(call->answer, MHD_HTTP_BAD_REQUEST, "There is no help for this");
	}
}

/* Returns REST_METHODS for a method that no path supports. HEAD is treated as GET. */
static enum rest_method find_method(const char *name)
{
	int method = 0;

	if (!strcmp(name, "HEAD"))
		return REST_GET;
	while (method < REST_METHODS && strcmp(method_names[method], name) != 0)
		method++;
	return (enum rest_method)method;
}

static void refuse_method(struct rest_call *call, const struct rest_route *route)
{
	_cleanup_text_ struct text words = {};

	add_allow(call->answer, route);
	text_printf(&words, "%.20s is not possible here, but %s", call->request->method,
		    text_str(&call->answer->allow));
	http_answer_text(call->answer, MHD_HTTP_METHOD_NOT_ALLOWED, text_str(&words));
}

static void refuse_write(struct rest_call *call)
{
	_cleanup_text_ struct text words = {};

	text_printf(
		&words,
		"%s lets nothing be changed: set AllowWrites true in its <Http> block, or use a "
		"unix socket, where that is the default",
		call->request->listener);
	http_answer_text(call->answer, MHD_HTTP_FORBIDDEN, text_str(&words));
}

/*
 * Finds the route of a request and answers all requests that need no look at the body. Returns NULL
 * if the answer is complete.
 */
static const struct rest_route *rest_begin(struct rest_call *call, enum rest_method method)
{
	const struct http_request *request = call->request;
	_cleanup_error_ struct error err = {};
	const struct rest_route *route;

	if (rest_path_parse(&call->path, request->uri, &err) < 0) {
		rest_failed(call, &err);
		return NULL;
	}
	route = find_route(&call->path);
	if (!route)
		redirect(call);
	else if (!strcmp(request->method, "OPTIONS"))
		run_options(call, route);
	else if (method == REST_METHODS || !route->run[method])
		refuse_method(call, route);
	else if (method != REST_GET && !request->writes)
		refuse_write(call);
	else
		return route;
	return NULL;
}

static void end(struct rest_call *call)
{
	struct http_answer *answer = call->answer;

	rest_path_release(&call->path);
	if (text_status(&answer->body) == 0 && text_status(&answer->location) == 0)
		return;
	http_answer_release(answer);
	http_answer_text(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
}

void rest_run(const struct http_request *request, struct http_answer *answer)
{
	struct rest_call call = { request, answer };
	enum rest_method method = find_method(request->method);
	const struct rest_route *route = rest_begin(&call, method);

	if (route) {
		answer->changes = method != REST_GET;
		route->run[method](&call);
	}
	end(&call);
}

bool rest_refuse(const struct http_request *request, struct http_answer *answer)
{
	struct rest_call call = { request, answer };
	bool refused = !rest_begin(&call, find_method(request->method));

	end(&call);
	return refused;
}
