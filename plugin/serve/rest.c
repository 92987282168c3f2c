/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rest.h"
#include "serve/rest_base.h"
#include "serve/rest_call.h"
#include "serve/rest_config.h"
#include "serve/rest_cube.h"
#include "serve/rest_metrics.h"
#include "serve/rest_schema.h"

#include <errno.h>
#include <microhttpd.h>

enum rest_method { REST_GET, REST_POST, REST_PUT, REST_PATCH, REST_DELETE, REST_METHODS };

static const char *const method_names[REST_METHODS] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

struct rest_route {
	const char *pattern; /* as accepted by rest_path_matches() */
	/* Handlers as described in rest_call.h. NULL if the method is not supported. */
	int (*run[REST_METHODS])(struct rest_call *call, struct error *err);
	/* Answers OPTIONS with help=WHAT. NULL if there is no help. */
	int (*help)(struct rest_call *call, const char *what, struct error *err);
};

#define CUBE   REST_SERVICE "/:name"
#define CONFIG CUBE "/dataplane-config|dataplane"
#define PATH   "/ingress-path|egress-path"
#define LIST   CUBE "/metrics/ingress-metrics|egress-metrics"

/* All paths. The first matching pattern is used. */
static const struct rest_route routes[] = {
	{ "", { [REST_GET] = rest_get_root }, rest_help_root },
	{ REST_SERVICE,
	  { [REST_GET] = rest_get_service,
	    [REST_POST] = rest_post_cube,
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
	_cleanup_text_ struct text message = {};

	if (is_keyword(name)) {
		text_printf(&message, "Cannot find %.*s",
			    (int)(call->path.len > 200 ? 200 : call->path.len), uri);
		http_answer_text(call->answer, MHD_HTTP_NOT_FOUND, text_str(&message));
	} else if (registry_list(call->request->registry, name, &list, NULL) < 0) {
		text_printf(&message, "No cube found named %.200s", name);
		http_answer_text(call->answer, MHD_HTTP_NOT_FOUND, text_str(&message));
	} else {
		text_printf(&call->answer->location, "%s/" REST_SERVICE "/%s",
			    call->path.prefixed ? REST_PREFIX : "", uri + call->path.rest_at);
		call->answer->status = MHD_HTTP_PERMANENT_REDIRECT;
	}
}

static void add_allow(struct http_answer *answer, const struct rest_route *route)
{
	for (int method = 0; method < REST_METHODS; method++)
		if (route->run[method])
			text_printf(&answer->allow, "%s%s%s", answer->allow.len ? ", " : "",
				    method_names[method], method == REST_GET ? ", HEAD" : "");
	text_adds(&answer->allow, ", OPTIONS");
}

static int run_options(struct rest_call *call, const struct rest_route *route, struct error *err)
{
	_cleanup_free_ char *what = rest_query(call->request->uri, "help");

	if (what && route->help)
		return route->help(call, what, err);
	if (what)
		return error_set(err, -EINVAL, "this path has no help");
	add_allow(call->answer, route);
	call->answer->status = MHD_HTTP_NO_CONTENT;
	return 0;
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

/*
 * Finds the handler of a request, and answers all requests that do not depend on the body. *ret is
 * NULL if the answer is complete.
 */
static int find_handler(struct rest_call *call,
			int (**ret)(struct rest_call *call, struct error *err), struct error *err)
{
	const struct http_request *request = call->request;
	enum rest_method method = find_method(request->method);
	const struct rest_route *route;
	int r = rest_path_parse(&call->path, request->uri, err);

	*ret = NULL;
	if (r < 0)
		return r;
	route = find_route(&call->path);
	if (!route) {
		redirect(call);
		return 0;
	}
	if (!strcmp(request->method, "OPTIONS"))
		return run_options(call, route, err);
	if (method == REST_METHODS || !route->run[method]) {
		add_allow(call->answer, route);
		call->error_status = MHD_HTTP_METHOD_NOT_ALLOWED;
		return error_set(err, -EINVAL, "%.20s is not supported by this path; supported: %s",
				 request->method, text_str(&call->answer->allow));
	}
	if (method != REST_GET && !request->writes) {
		call->error_status = MHD_HTTP_FORBIDDEN;
		return error_set(err, -EINVAL,
				 "%s is read-only: set AllowWrites true in its <Http> block, or "
				 "use a Unix socket, which permits changes by default",
				 request->listener);
	}
	*ret = route->run[method];
	return 0;
}

static void answer_error(struct rest_call *call, int code, const struct error *err)
{
	unsigned int status = call->error_status ? call->error_status : MHD_HTTP_BAD_REQUEST;
	const char *tag = call->error_tag;
	struct json_writer json = { .out = &call->answer->body };

	if (code == -ENOENT && !call->error_status) {
		status = MHD_HTTP_NOT_FOUND;
		tag = "data-missing";
	}
	if (code == -ENOMEM)
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	else if (injection_is_put_off(code))
		status = MHD_HTTP_SERVICE_UNAVAILABLE;
	text_clear(&call->answer->body);
	if (!tag || code == -ENOMEM) {
		http_answer_text(call->answer, status, error_message(err));
		return;
	}
	call->answer->status = status;
	text_adds(json.out, "{\"ietf-restconf:errors\":{\"error\":[");
	json_object_begin(&json);
	json_member_string(&json, "error-type", "application");
	json_member_string(&json, "error-tag", tag);
	if (call->error_field.len)
		json_member_string(&json, "error-info", text_str(&call->error_field));
	json_member_string(&json, "error-message", error_message(err));
	json_object_end(&json);
	text_adds(json.out, "]}}");
}

/* Returns true if the answer does not depend on the body. begin: stop before the handler. */
static bool process(const struct http_request *request, struct http_answer *answer, bool begin)
{
	struct rest_call call = { request, answer, .json = { .out = &answer->body } };
	int (*handler)(struct rest_call * call, struct error * err);
	_cleanup_error_ struct error err = {};
	int r;

	answer->status = MHD_HTTP_OK;
	answer->content_type = REST_JSON;
	r = find_handler(&call, &handler, &err);
	if (r == 0 && handler && !begin) {
		answer->changes = find_method(request->method) != REST_GET;
		r = handler(&call, &err);
	}
	if (r < 0)
		answer_error(&call, r, &err);
	rest_path_release(&call.path);
	monitor_unrefp(&call.monitor);
	text_release(&call.error_field);
	if (text_status(&answer->body) < 0 || text_status(&answer->location) < 0) {
		http_answer_release(answer);
		http_answer_text(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	}
	return r < 0 || !handler;
}

void rest_run(const struct http_request *request, struct http_answer *answer)
{
	process(request, answer, false);
}

bool rest_refuse(const struct http_request *request, struct http_answer *answer)
{
	return process(request, answer, true);
}
