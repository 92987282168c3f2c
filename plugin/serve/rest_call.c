/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rest_call.h"
#include "dataplane/json_reader.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>

/* Bytes of host and port. The limit matters because an answer may have many links. */
#define HOST_MAX 261

int rest_invalid(struct rest_call *call, const char *member, int code)
{
	call->error_status = MHD_HTTP_BAD_REQUEST;
	call->error_tag = code == -ENODATA ? "missing-attribute" : "invalid-value";
	text_clear(&call->error_field);
	text_adds(&call->error_field, member);
	return code;
}

int rest_wrong(struct rest_call *call, struct error *err, const char *member, const char *expected,
	       ...)
{
	char message[300];
	va_list args;

	va_start(args, expected);
	vsnprintf(message, sizeof(message), expected, args);
	va_end(args);
	return rest_invalid(call, member,
			    error_set(err, -EINVAL, "%.60s: expected %s", member, message));
}

int rest_conflict(struct rest_call *call, const char *tag, int code)
{
	call->error_status = MHD_HTTP_CONFLICT;
	call->error_tag = tag;
	return code;
}

void rest_links_add(const struct rest_call *call, struct json_writer *json, const char *child)
{
	const char *host = call->request->host;
	_cleanup_text_ struct text href = {};

	text_printf(&href, "//%.*s" REST_PREFIX "/", HOST_MAX, host ? host : "localhost");
	for (size_t i = 0; i < call->path.n; i++) {
		rest_path_add(&href, call->path.words[i]);
		text_addc(&href, '/');
	}
	if (child) {
		rest_path_add(&href, child);
		text_addc(&href, '/');
	}
	json_object_begin(json);
	json_member_string(json, "rel", child ? child : "self");
	json_member_string(json, "href", text_str(&href));
	json_object_end(json);
}

void rest_links_begin(const struct rest_call *call, struct json_writer *json)
{
	json_array_begin(json);
	rest_links_add(call, json, NULL);
}

int rest_body(struct rest_call *call, struct json_object **ret, struct error *err)
{
	const struct http_request *request = call->request;

	return json_reader_parse(request->len ? request->body : "{}",
				 request->len ? request->len : 2, ret, err);
}

int rest_body_object(struct rest_call *call, struct json_object **ret, struct error *err)
{
	int r = rest_body(call, ret, err);

	if (r < 0 || json_object_is_type(*ret, json_type_object))
		return r;
	return rest_invalid(call, "", error_set(err, -EINVAL, "the body: expected a JSON object"));
}

int rest_body_string(struct rest_call *call, struct json_object *body, const char *name,
		     const char **ret, struct error *err)
{
	struct json_object *value = json_object_object_get(body, name);
	struct text no_warnings = {};
	struct json_reader reader = { .warnings = &no_warnings, .err = err };
	_cleanup_free_ char *string = NULL;
	int r;

	*ret = NULL;
	if (!value)
		return 0;
	text_adds(&reader.where, name);
	r = json_parse_string(&reader, value, &string);
	text_release(&reader.where);
	if (r < 0)
		return rest_invalid(call, name, r);
	*ret = json_object_get_string(value);
	return 0;
}

int rest_monitor(struct rest_call *call, const char *name, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	int r = registry_list(call->request->registry, name ? name : rest_word(call, 1), &list,
			      err);

	if (r == 0 && !call->monitor)
		call->monitor = monitor_ref(list.monitors[0]);
	return r;
}

int rest_check_foreign(struct rest_call *call, const struct snapshot *snapshot, struct error *err)
{
	if (!call->request->foreign || !http_snapshot_takes(snapshot))
		return 0;
	call->error_status = MHD_HTTP_FORBIDDEN;
	return error_set(err, -EPERM, HTTP_FOREIGN);
}
