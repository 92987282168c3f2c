/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers, their links, and the bodies of requests. */
#include "dataplane/json_reader.h"
#include "serve/rest_private.h"

#include <errno.h>
#include <json-c/json.h>
#include <microhttpd.h>

/* Bytes of host and port. The limit matters because an answer may have many links. */
#define HOST_MAX 261

void rest_done(struct rest_call *call, unsigned int status)
{
	call->answer->status = status;
	call->answer->content_type = REST_JSON;
	text_clear(&call->answer->body);
}

void rest_json(struct rest_call *call)
{
	call->answer->status = MHD_HTTP_OK;
	call->answer->content_type = REST_JSON;
}

void rest_member(struct text *out, bool first, const char *name, const char *value)
{
	text_printf(out, "%s\"%s\":", first ? "" : ",", name);
	text_json(out, value ? value : "", value ? strlen(value) : 0);
}

void rest_error(struct rest_call *call, unsigned int status, const char *tag, const char *field,
		const char *words)
{
	struct text *out = &call->answer->body;

	rest_done(call, status);
	text_adds(out, "{\"ietf-restconf:errors\":{\"error\":[{");
	rest_member(out, true, "error-type", "application");
	rest_member(out, false, "error-tag", tag);
	if (field)
		rest_member(out, false, "error-info", field);
	if (words)
		rest_member(out, false, "error-message", words);
	text_adds(out, "}]}}");
}

void rest_invalid(struct rest_call *call, const char *field, const struct error *err)
{
	if (err->code == -ENOMEM)
		rest_failed(call, err);
	else
		rest_error(call, MHD_HTTP_BAD_REQUEST,
			   err->code == -ENODATA ? "missing-attribute" : "invalid-value", field,
			   error_message(err));
}

void rest_missing(struct rest_call *call, const char *words)
{
	rest_error(call, MHD_HTTP_NOT_FOUND, "data-missing", NULL, words);
}

void rest_failed(struct rest_call *call, const struct error *err)
{
	unsigned int status = MHD_HTTP_BAD_REQUEST;

	if (err->code == -ENOMEM)
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	else if (injection_is_put_off(err->code))
		status = MHD_HTTP_SERVICE_UNAVAILABLE;
	http_answer_text(call->answer, status, error_message(err));
}

/* Appends the URL of the request with a trailing slash. */
static void add_self(const struct rest_call *call, struct text *href)
{
	const char *host = call->request->host;

	text_printf(href, "//%.*s" REST_PREFIX "/", HOST_MAX, host ? host : "localhost");
	for (size_t i = 0; i < call->path.n; i++) {
		rest_path_add(href, call->path.words[i]);
		text_addc(href, '/');
	}
}

static void add_link(struct text *links, const char *rel, struct text *href)
{
	text_addc(links, '{');
	rest_member(links, true, "rel", rel);
	rest_member(links, false, "href", text_str(href));
	text_addc(links, '}');
}

void rest_links_begin(const struct rest_call *call, struct text *links)
{
	_cleanup_text_ struct text href = {};

	add_self(call, &href);
	text_addc(links, '[');
	add_link(links, "self", &href);
}

void rest_links_add(const struct rest_call *call, struct text *links, const char *name)
{
	_cleanup_text_ struct text href = {};

	add_self(call, &href);
	rest_path_add(&href, name);
	text_addc(&href, '/');
	text_addc(links, ',');
	add_link(links, name, &href);
}

void rest_links_end(struct text *links)
{
	text_addc(links, ']');
}

void rest_links(const struct rest_call *call, struct text *links)
{
	const struct rest_schema *child = rest_schema_of(call)->children;

	rest_links_begin(call, links);
	for (; child && child->name; child++)
		rest_links_add(call, links, child->name);
	rest_links_end(links);
}

int rest_body(struct rest_call *call, struct json_object **ret)
{
	const struct http_request *request = call->request;
	_cleanup_error_ struct error err = {};
	int r = json_reader_parse(request->len ? request->body : "{}",
				  request->len ? request->len : 2, ret, &err);

	if (r < 0)
		rest_failed(call, &err);
	return r;
}

struct json_object *rest_body_object(struct rest_call *call)
{
	struct json_object *body = NULL;

	if (rest_body(call, &body) < 0)
		return NULL;
	if (json_object_is_type(body, json_type_object))
		return body;
	json_object_put(body);
	rest_error(call, MHD_HTTP_BAD_REQUEST, "invalid-value", NULL,
		   "the body: expected a JSON object");
	return NULL;
}

const char *rest_body_string(struct rest_call *call, struct json_object *body, const char *name,
			     int *r)
{
	_cleanup_error_ struct error err = {};
	struct json_object *value = json_object_object_get(body, name);
	struct text nothing = {};
	struct json_reader reader = { .warnings = &nothing, .err = &err };
	_cleanup_free_ char *string = NULL;

	*r = 0;
	if (!value)
		return NULL;
	text_adds(&reader.where, name);
	*r = json_parse_string(&reader, value, &string);
	text_release(&reader.where);
	if (*r < 0)
		rest_invalid(call, name, &err);
	return *r < 0 ? NULL : json_object_get_string(value);
}
