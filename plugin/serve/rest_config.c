/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .../dataplane-config and the paths below: the document that a monitor runs. */
#include "serve/rest_private.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <strings.h>

DEFINE_CLEANUP(struct json_object *, json_object_put);
#define _cleanup_json_ _cleanup_(json_object_putp)

/* -- reading -- */

/*
 * Returns a copy of an object with the given members first, in this order. Members that are null or
 * an empty list are omitted. Drops the reference to from. Returns NULL if memory ran out.
 */
static struct json_object *arrange(struct json_object *from, const char *const *first)
{
	_cleanup_json_ struct json_object *object = from, *to = json_object_new_object();

	if (!to)
		return NULL;
	for (; *first; first++) {
		struct json_object *value = json_object_object_get(object, *first);

		if (value && json_object_object_add(to, *first, json_object_get(value)) < 0)
			return NULL;
	}
	json_object_object_foreach(object, name, value) {
		if (value && !json_object_object_get(to, name) &&
		    json_object_object_add(to, name, json_object_get(value)) < 0)
			return NULL;
	}
	json_object_object_foreach(object, key, list) {
		if (json_object_is_type(list, json_type_array) && !json_object_array_length(list))
			json_object_object_del(to, key);
	}
	return steal_ptr(&to);
}

static int add_false(struct json_object *options, const char *name)
{
	if (json_object_object_get(options, name))
		return 0;
	return json_object_object_add(options, name, json_object_new_boolean(false));
}

/*
 * Replaces a member and takes over the reference to value. A NULL value means that memory ran out.
 */
static int put_member(struct json_object *object, const char *name, struct json_object *value)
{
	return value ? json_object_object_add(object, name, value) : -ENOMEM;
}

static int arrange_member(struct json_object *object, const char *name, const char *const *first)
{
	struct json_object *member = json_object_object_get(object, name);

	if (!json_object_is_type(member, json_type_object))
		return 0;
	return put_member(object, name, arrange(json_object_get(member), first));
}

static int arrange_labels(struct json_object *metadata)
{
	static const char *const label_first[] = { "name", "value", NULL };
	struct json_object *labels = json_object_object_get(metadata, "labels");
	size_t n =
		json_object_is_type(labels, json_type_array) ? json_object_array_length(labels) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *label =
			arrange(json_object_get(json_object_array_get_idx(labels, i)), label_first);

		if (!label)
			return -ENOMEM;
		json_object_array_put_idx(labels, i, label);
	}
	return 0;
}

static int lower_type(struct json_object *metadata)
{
	struct json_object *type = json_object_object_get(metadata, "type");
	_cleanup_free_ char *word = type ? strdup(json_object_get_string(type)) : NULL;

	if (!type)
		return 0;
	for (char *c = word; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return put_member(metadata, "type", word ? json_object_new_string(word) : NULL);
}

/*
 * Arranges a metric of a valid document. Drops the reference to metric. Returns NULL if memory ran
 * out.
 */
static struct json_object *arrange_metric(struct json_object *metric)
{
	static const char *const metric_first[] = { "name", "map-name", "extraction-options",
						    "open-metrics-metadata", NULL };
	static const char *const options_first[] = { "swap-on-read", "empty-on-read", NULL };
	static const char *const metadata_first[] = { "help", "type", "labels", NULL };
	struct json_object *options = json_object_object_get(metric, "extraction-options");
	struct json_object *metadata = json_object_object_get(metric, "open-metrics-metadata");
	int r = 0;

	if (!options) {
		options = json_object_new_object();
		r = put_member(metric, "extraction-options", options);
	}
	if (r == 0)
		r = add_false(options, "swap-on-read");
	if (r == 0)
		r = add_false(options, "empty-on-read");
	if (r == 0 && metadata)
		r = arrange_labels(metadata);
	if (r == 0 && metadata)
		r = lower_type(metadata);
	if (r == 0)
		r = arrange_member(metric, "extraction-options", options_first);
	if (r == 0)
		r = arrange_member(metric, "open-metrics-metadata", metadata_first);
	if (r == 0)
		return arrange(metric, metric_first);
	json_object_put(metric);
	return NULL;
}

static struct json_object *arrange_direction(struct json_object *path)
{
	static const char *const path_first[] = {
		"name",	       "code",	  "code-file",	    "object",
		"object-data", "program", "metric-configs", NULL,
	};
	struct json_object *metrics = json_object_object_get(path, "metric-configs");
	size_t n = json_object_is_type(metrics, json_type_array) ? json_object_array_length(metrics)
								 : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *metric =
			arrange_metric(json_object_get(json_object_array_get_idx(metrics, i)));

		if (!metric) {
			json_object_put(path);
			return NULL;
		}
		json_object_array_put_idx(metrics, i, metric);
	}
	return arrange(path, path_first);
}

struct json_object *rest_config(struct monitor *monitor)
{
	_cleanup_json_ struct json_object *config = json_object_new_object();
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;

	pthread_mutex_lock(&monitor->state);
	dataplane = dataplane_ref(monitor->dataplane);
	pthread_mutex_unlock(&monitor->state);
	for (int i = 0; config && dataplane && i < N_DIRECTIONS; i++) {
		const struct direction_code *code = dataplane->directions[i];
		struct json_object *direction = NULL;
		char name[16];

		if (!code)
			continue;
		/*
		 * Other threads read this dataplane, and json-c's reference counts are not atomic.
		 */
		if (json_object_deep_copy(code->config->json, &direction, NULL) < 0)
			return NULL;
		snprintf(name, sizeof(name), "%s-path", direction_name((enum direction)i));
		if (put_member(config, name, arrange_direction(direction)) < 0)
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

/* Returns the name of a list element, or NULL. A list at an unknown key may have no names. */
static const char *name_of(struct json_object *list, size_t i)
{
	struct json_object *element = json_object_array_get_idx(list, i);

	return json_object_get_string(json_object_object_get(element, "name"));
}

/* Returns the list element with this name, or NULL. */
static struct json_object *find_element(struct json_object *list, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (name_of(list, i) && !strcmp(name_of(list, i), name))
			return json_object_array_get_idx(list, i);
	return NULL;
}

/* Appends links to the members of an object or to the named elements of a list. */
static void config_links(const struct rest_call *call, struct json_object *node, struct text *links)
{
	rest_links_begin(call, links);
	if (json_object_is_type(node, json_type_object)) {
		json_object_object_foreach(node, name, value) {
			(void)value;
			rest_links_add(call, links, name);
		}
	} else {
		for (size_t i = 0; i < json_object_array_length(node); i++)
			if (name_of(node, i))
				rest_links_add(call, links, name_of(node, i));
	}
	rest_links_end(links);
}

/* Returns true if the elements of a list have names; otherwise they are plain values. */
static bool is_named_list(struct json_object *node)
{
	return json_object_is_type(node, json_type_array) && json_object_array_length(node) &&
	       name_of(node, 0);
}

static void answer_node(struct rest_call *call, struct json_object *node)
{
	struct text *out = &call->answer->body;
	_cleanup_text_ struct text links = {};

	rest_config_text(node, out);
	if (json_object_is_type(node, json_type_object)) {
		config_links(call, node, &links);
		out->len--; /* the closing brace */
		text_printf(out, "%s\"_links\":%s}", json_object_object_length(node) ? "," : "",
			    text_str(&links));
	} else if (is_named_list(node)) {
		config_links(call, node, &links);
		out->len--;
		text_printf(out, ",[\"_links\",%s]]", text_str(&links));
	}
	rest_json(call);
}

void rest_get_config(struct rest_call *call)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = rest_monitor(call);
	_cleanup_json_ struct json_object *config = NULL;
	struct json_object *node;
	size_t i = 3;

	if (!monitor)
		return;
	config = rest_config(monitor);
	for (node = config; node && i < call->path.n; i++) {
		const char *word = call->path.words[i];

		if (json_object_is_type(node, json_type_object))
			node = json_object_object_get(node, word);
		else
			node = json_object_is_type(node, json_type_array) ? find_element(node, word)
									  : NULL;
	}
	if (node) {
		answer_node(call, node);
	} else if (!config) {
		http_answer_text(call->answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	} else {
		_cleanup_text_ struct text words = {};

		text_printf(&words, "the dataplane has no \"%.100s\"", rest_word(call, i - 1));
		rest_missing(call, text_str(&words));
	}
}

/* -- changing -- */

/* Returns the direction of the request's direction; -1 for both. */
static int rest_config_direction_of(const struct rest_call *call)
{
	const char *word = rest_word(call, 3);

	return word ? strcmp(word, "egress-path") == 0 ? EGRESS : INGRESS : -1;
}

/* The field of the error is the prefix of the message. */
static void invalid_document(struct rest_call *call, const struct error *err)
{
	_cleanup_free_ char *field = strdup(error_message(err));
	char *colon = field ? strstr(field, ": ") : NULL;

	if (colon)
		*colon = '\0';
	if (!strncmp(error_message(err), "JSON syntax", 11))
		rest_failed(call, err);
	else
		rest_invalid(call, colon ? field : "dataplane-config", err);
}

/* Returns true if the monitor was deleted in the meantime. */
static bool is_gone(struct registry *registry, const char *name)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};

	return registry_list(registry, name, &list, NULL) == -ENOENT;
}

void rest_inject(struct rest_call *call, const struct injection *injection, unsigned int status)
{
	struct registry *registry = call->request->registry;
	_cleanup_error_ struct error err = {};
	int r = 0;

	/* Check the document first, to distinguish its errors from errors of the compiler. */
	if (injection->bytes)
		r = registry_try_document(registry, injection->bytes, injection->len, &err);
	if (r < 0) {
		invalid_document(call, &err);
		return;
	}
	r = registry_inject(registry, injection, &call->answer->report, &err);
	if (r == -EEXIST && injection->into == INJECT_NEW)
		rest_error(call, MHD_HTTP_CONFLICT, "data-exists", NULL, error_message(&err));
	else if (r == -ENOENT && is_gone(registry, injection->monitor))
		rest_missing(call, error_message(&err));
	else if (r < 0)
		rest_failed(call, &err);
	else
		rest_done(call, status);
}

/*
 * Makes a document from the body, which is a document or one direction. Returns -errno with an
 * error in the answer.
 */
static int make_document(struct rest_call *call, int direction, struct text *document)
{
	const struct http_request *request = call->request;
	_cleanup_json_ struct json_object *body = rest_body_object(call);

	if (!body)
		return -EINVAL;
	if (direction >= 0)
		text_printf(document, "{\"%s-path\":", direction_name(direction));
	if (request->len)
		text_add(document, request->body, request->len);
	else
		text_adds(document, "{}");
	if (direction >= 0)
		text_addc(document, '}');
	if (text_status(document) == 0)
		return 0;
	http_answer_text(call->answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	return -ENOMEM;
}

static void inject_body(struct rest_call *call, unsigned int status)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = rest_monitor(call);
	_cleanup_text_ struct text document = {};
	struct injection injection = { .monitor = rest_word(call, 1), .into = INJECT_EXISTING };

	if (!monitor || make_document(call, rest_config_direction_of(call), &document) < 0)
		return;
	injection.bytes = text_str(&document);
	injection.len = document.len;
	rest_inject(call, &injection, status);
}

void rest_put_config(struct rest_call *call)
{
	inject_body(call, MHD_HTTP_CREATED);
}

void rest_patch_config(struct rest_call *call)
{
	inject_body(call, MHD_HTTP_OK);
}

void rest_delete_config(struct rest_call *call)
{
	_cleanup_error_ struct error err = {};
	int r = registry_eject(call->request->registry, rest_word(call, 1),
			       rest_config_direction_of(call), NULL, &err);

	if (r == -ENOENT)
		rest_missing(call, error_message(&err));
	else if (r < 0)
		rest_failed(call, &err);
	else
		rest_done(call, MHD_HTTP_NO_CONTENT);
}
