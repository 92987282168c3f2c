/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rest_config.h"
#include "export/source.h"

#include <ctype.h>
#include <errno.h>
#include <microhttpd.h>

/* -- reading -- */

/* A member of an object in an answer. Other members follow the listed ones unchanged. */
struct layout {
	const char *name;
	const struct layout *members; /* of the object, or of each object of the list */
	bool required;		      /* if missing, an empty object or false is added */
	bool lower;		      /* a string in lower case */
};

static const struct layout label_layout[] = { { "name" }, { "value" }, {} };

static const struct layout metadata_layout[] = {
	{ "help" },
	{ "type", .lower = true },
	{ "labels", label_layout },
	{},
};

static const struct layout options_layout[] = {
	{ "swap-on-read", .required = true },
	{ "empty-on-read", .required = true },
	{},
};

static const struct layout metric_layout[] = {
	{ "name" },
	{ "map-name" },
	{ "extraction-options", options_layout, .required = true },
	{ "open-metrics-metadata", metadata_layout },
	{},
};

static const struct layout path_layout[] = {
	{ "name" },
	{ "code" },
	{ "code-file" },
	{ "object" },
	{ "object-data" },
	{ "program" },
	{ "metric-configs", metric_layout },
	{},
};

/* Adds a member unless it is null or an empty list. Takes over the reference to value. */
static int add_member(struct json_object *object, const char *name, struct json_object *value)
{
	if (value &&
	    (!json_object_is_type(value, json_type_array) || json_object_array_length(value)))
		return json_object_object_add(object, name, value);
	json_object_put(value);
	return 0;
}

static int make_lower(struct json_object *string)
{
	_cleanup_free_ char *word = strdup(json_object_get_string(string));

	for (char *c = word; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return word && json_object_set_string(string, word) ? 0 : -ENOMEM;
}

/*
 * Arranges a value of a valid document, which may change. Returns a new reference to the result;
 * NULL if memory ran out.
 */
static struct json_object *arrange(struct json_object *value, const struct layout *layout)
{
	_cleanup_json_ struct json_object *object = NULL;

	if (layout && json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			struct json_object *element =
				arrange(json_object_array_get_idx(value, i), layout);

			if (!element || json_object_array_put_idx(value, i, element) < 0)
				return NULL;
		}
	if (!layout || !json_object_is_type(value, json_type_object))
		return json_object_get(value);
	object = json_object_new_object();
	for (const struct layout *row = layout; object && row->name; row++) {
		_cleanup_json_ struct json_object *member =
			json_object_get(json_object_object_get(value, row->name));
		struct json_object *arranged;

		if (!member && !row->required)
			continue;
		if (!member)
			member = row->members ? json_object_new_object()
					      : json_object_new_boolean(false);
		if (!member || (row->lower && make_lower(member) < 0))
			return NULL;
		arranged = arrange(member, row->members);
		if (!arranged || add_member(object, row->name, arranged) < 0)
			return NULL;
	}
	json_object_object_foreach(value, name, member) {
		if (object && !json_object_object_get(object, name) &&
		    add_member(object, name, json_object_get(member)) < 0)
			return NULL;
	}
	return steal_ptr(&object);
}

struct json_object *rest_config(struct monitor *monitor)
{
	_cleanup_json_ struct json_object *config = json_object_new_object();
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;

	pthread_mutex_lock(&monitor->state);
	dataplane = dataplane_ref(monitor->dataplane);
	pthread_mutex_unlock(&monitor->state);
	for (enum direction d = 0; config && dataplane && d < N_DIRECTIONS; d++) {
		const struct direction_code *code = dataplane->directions[d];
		_cleanup_json_ struct json_object *copy = NULL;
		struct json_object *path;
		char name[16];

		if (!code)
			continue;
		/*
		 * Other threads read this dataplane, and json-c's reference counts are not atomic.
		 */
		if (json_object_deep_copy(code->config->json, &copy, NULL) < 0)
			return NULL;
		path = arrange(copy, path_layout);
		snprintf(name, sizeof(name), "%s-path", direction_name(d));
		if (!path || json_object_object_add(config, name, path) < 0)
			return NULL;
	}
	return steal_ptr(&config);
}

void rest_config_text(struct json_object *config, struct text *out)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
		config, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

	text_add(out, text, len);
}

/*
 * Returns the name of element i of a list, or NULL. A list at an unknown key may have elements
 * without a name.
 */
static const char *element_name(struct json_object *list, size_t i)
{
	struct json_object *element = json_object_array_get_idx(list, i);

	return json_object_get_string(json_object_object_get(element, "name"));
}

/* Returns a member of an object or the list element with this name; NULL if there is none. */
static struct json_object *find_node(struct json_object *node, const char *name)
{
	if (json_object_is_type(node, json_type_object))
		return json_object_object_get(node, name);
	if (!json_object_is_type(node, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(node); i++)
		if (element_name(node, i) && !strcmp(element_name(node, i), name))
			return json_object_array_get_idx(node, i);
	return NULL;
}

/* Writes a node of the document, with links to its members or to the named elements of a list. */
static void write_node(struct rest_call *call, struct json_object *node)
{
	bool object = json_object_is_type(node, json_type_object);
	struct json_writer *json = &call->json;

	rest_config_text(node, json_value(json));
	if (!object && (!json_object_is_type(node, json_type_array) ||
			!json_object_array_length(node) || !element_name(node, 0)))
		return;
	json->out->len--; /* reopen the object or the list */
	json->comma = !object || json_object_object_length(node);
	if (object) {
		json_key(json, "_links");
		rest_links_begin(call, json);
		json_object_object_foreach(node, name, value) {
			(void)value;
			rest_links_add(call, json, name);
		}
		json_array_end(json);
		json_object_end(json);
	} else {
		json_array_begin(json);
		json_put_string(json, "_links");
		rest_links_begin(call, json);
		for (size_t i = 0; i < json_object_array_length(node); i++)
			if (element_name(node, i))
				rest_links_add(call, json, element_name(node, i));
		json_array_end(json);
		json_array_end(json);
		json_array_end(json);
	}
}

int rest_get_config(struct rest_call *call, struct error *err)
{
	_cleanup_json_ struct json_object *config = NULL;
	struct json_object *node;
	size_t i = 3;
	int r = rest_monitor(call, NULL, err);

	if (r < 0)
		return r;
	config = rest_config(call->monitor);
	if (!config)
		return error_oom(err);
	for (node = config; node && i < call->path.n; i++)
		node = find_node(node, call->path.words[i]);
	if (!node)
		return error_set(err, -ENOENT, "the dataplane has no \"%.100s\"",
				 rest_word(call, i - 1));
	write_node(call, node);
	return 0;
}

/* -- changing -- */

/* Returns the direction in the path of the request; -1 for both. */
static int config_direction(const struct rest_call *call)
{
	const char *word = rest_word(call, 3);

	return word ? strcmp(word, "egress-path") == 0 ? EGRESS : INGRESS : -1;
}

int rest_inject(struct rest_call *call, const struct injection *injection, unsigned int status,
		struct error *err)
{
	struct registry *registry = call->request->registry;
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_document_ struct document *document = NULL;
	int r = 0;

	/* Check the document first, to distinguish its errors from errors of the compiler. */
	if (injection->bytes)
		r = document_parse(injection->bytes, injection->len, registry->dataplane_dir, true,
				   &document, err);
	if (r < 0) {
		/* The message begins with the invalid member. */
		const char *message = error_message(err), *colon = strstr(message, ": ");
		_cleanup_free_ char *field =
			colon ? strndup(message, (size_t)(colon - message)) : NULL;

		if (field && !strcmp(field, "JSON syntax"))
			return r;
		return rest_invalid(call, field ? field : "dataplane-config", r);
	}
	r = registry_inject(registry, injection, &call->answer->report, err);
	if (r == 0) {
		call->answer->status = status;
		sources_report_clashes(registry, injection->monitor, &call->answer->report);
	}
	if (r == -EEXIST && injection->into == INJECT_NEW)
		return rest_conflict(call, "data-exists", r);
	/* Only a monitor that was deleted in the meantime gives the status 404. */
	if (r == -ENOENT && registry_list(registry, injection->monitor, &list, NULL) != -ENOENT)
		call->error_status = MHD_HTTP_BAD_REQUEST;
	return r;
}

/* The body is a document or one direction of it. */
static int inject_body(struct rest_call *call, unsigned int status, struct error *err)
{
	struct injection injection = { .monitor = rest_word(call, 1), .into = INJECT_EXISTING };
	const struct http_request *request = call->request;
	_cleanup_json_ struct json_object *body = NULL;
	_cleanup_text_ struct text document = {};
	int direction = config_direction(call);
	int r = rest_monitor(call, NULL, err);

	if (r == 0)
		r = rest_body_object(call, &body, err);
	if (r < 0)
		return r;
	if (direction >= 0)
		text_printf(&document, "{\"%s-path\":", direction_name((enum direction)direction));
	if (request->len)
		text_add(&document, request->body, request->len);
	else
		text_adds(&document, "{}");
	if (direction >= 0)
		text_addc(&document, '}');
	if (text_status(&document) < 0)
		return error_oom(err);
	injection.bytes = text_str(&document);
	injection.len = document.len;
	return rest_inject(call, &injection, status, err);
}

int rest_put_config(struct rest_call *call, struct error *err)
{
	return inject_body(call, MHD_HTTP_CREATED, err);
}

int rest_patch_config(struct rest_call *call, struct error *err)
{
	return inject_body(call, MHD_HTTP_OK, err);
}

int rest_delete_config(struct rest_call *call, struct error *err)
{
	call->answer->status = MHD_HTTP_NO_CONTENT;
	return registry_eject(call->request->registry, rest_word(call, 1), config_direction(call),
			      NULL, err);
}
