/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/saved.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/utf8.h"
#include "config/option.h"
#include "dataplane/json_reader.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#define SAVED_VERSION 1
#define BYTES_MAX     1000 /* maximum length of an interface, file or namespace name */

void saved_release(struct saved *saved)
{
	monitor_settings_release(&saved->settings);
	history_release(&saved->history);
}

/* -- writing -- */

static void put_base64(struct json_writer *json, const char *bytes, size_t len)
{
	struct text *out = json_value(json);

	text_addc(out, '"');
	base64_encode(bytes, len, out);
	text_addc(out, '"');
}

/* Writes a string, or base64 if the bytes are not valid UTF-8: names may contain any bytes. */
static void put_bytes(struct json_writer *json, const char *value)
{
	if (utf8_is_valid(value, strlen(value))) {
		json_put_string(json, value);
		return;
	}
	json_object_begin(json);
	json_key(json, "base64");
	put_base64(json, value, strlen(value));
	json_object_end(json);
}

/* encoded: write the document in base64 even if it could be embedded as JSON. */
static void put_layer(struct json_writer *json, const struct history_entry *layer, bool encoded)
{
	json_object_begin(json);
	json_key(json, "leave");
	json_array_begin(json);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (layer->leave[direction])
			json_put_string(json, direction_name(direction));
	json_array_end(json);
	json_key(json, "set");
	json_array_begin(json);
	for (size_t i = 0; i < layer->n_assignments; i++)
		put_bytes(json, layer->assignments[i]);
	json_array_end(json);
	if (layer->file) {
		json_key(json, "file");
		put_bytes(json, layer->file);
	} else if (encoded || !layer->bytes.len || layer->bytes.data[0] != '{') {
		json_key(json, "document-data");
		put_base64(json, layer->bytes.data, layer->bytes.len);
	} else {
		json_key(json, "document");
		text_add(json_value(json), layer->bytes.data, layer->bytes.len);
	}
	json_object_end(json);
}

static void put_monitor(struct json_writer *json, const struct monitor *monitor, bool encoded)
{
	const struct monitor_settings *settings = monitor->settings;
	const char *const members[][2] = {
		{ "name", settings->name },	    { "hook", settings->hook },
		{ "loglevel", monitor->log_level }, { "netns", settings->netns },
		{ "position", settings->position },
	};

	json_object_begin(json);
	json_member_u64(json, "version", SAVED_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (members[i][1]) {
			json_key(json, members[i][0]);
			put_bytes(json, members[i][1]);
		}
	json_member_bool(json, "share", settings->share);
	json_member_bool(json, "pin", settings->pin);
	json_key(json, "interfaces");
	json_array_begin(json);
	for (size_t i = 0; i < monitor->n_patterns; i++)
		put_bytes(json, monitor_interface(monitor, monitor->patterns[i]));
	json_array_end(json);
	json_key(json, "positions");
	json_array_begin(json);
	for (size_t i = 0; i < monitor->n_patterns; i++) {
		const char *position = monitor->patterns[i]->position;

		json_put_string(json, position ? position : "");
	}
	json_array_end(json);
	json_key(json, "dataplanes");
	json_array_begin(json);
	for (size_t i = 0; i < monitor->history.n; i++)
		put_layer(json, &monitor->history.layers[i], encoded);
	json_array_end(json);
	json_object_end(json);
}

/*
 * Verifies that the text can be parsed again. Embedding a document adds to its nesting and may
 * exceed the limit; base64 avoids this.
 */
int saved_format(const struct monitor *monitor, struct text *out)
{
	for (int encoded = 0; encoded < 2; encoded++) {
		_cleanup_(saved_release) struct saved saved = {};
		_cleanup_text_ struct text warnings = {};
		struct json_writer json = { .out = out };
		int r;

		text_clear(out);
		put_monitor(&json, monitor, encoded);
		text_addc(out, '\n');
		if (text_status(out) < 0)
			return -ENOMEM;
		r = saved_parse(out->data, out->len, monitor->name, &saved, &warnings, NULL);
		if (r == 0)
			return 0;
	}
	return -EINVAL;
}

/* -- reading -- */

/* The parsed content of a state file, before it is converted to settings and history. */
struct form {
	int version;
	char *name, *hook, *log_level, *netns, *position;
	bool share, pin;
	char **interfaces, **positions;
	size_t n_interfaces, n_positions;
	struct history_entry *layers;
	size_t n_layers;
};

static void form_release(struct form *form)
{
	free(form->name);
	free(form->hook);
	free(form->log_level);
	free(form->netns);
	free(form->position);
	for (size_t i = 0; i < form->n_interfaces; i++)
		free(form->interfaces[i]);
	free(form->interfaces);
	for (size_t i = 0; i < form->n_positions; i++)
		free(form->positions[i]);
	free(form->positions);
	for (size_t i = 0; i < form->n_layers; i++)
		history_entry_release(&form->layers[i]);
	free(form->layers);
}

static int saved_parse_version(struct json_reader *reader, struct json_object *value, void *to)
{
	*(int *)to = json_object_get_int(value);
	if (json_object_is_type(value, json_type_int) && *(int *)to == SAVED_VERSION)
		return 0;
	return json_reader_wrong(reader, "1, the version that this plugin writes", value);
}

static int parse_base64(struct json_reader *reader, struct json_object *value, void *to)
{
	_cleanup_text_ struct text bytes = {};
	char **string = to;

	if (!json_object_is_type(value, json_type_string) ||
	    base64_decode(json_object_get_string(value), (size_t)json_object_get_string_len(value),
			  &bytes) < 0 ||
	    strlen(text_str(&bytes)) != bytes.len || bytes.len > BYTES_MAX)
		return json_reader_wrong(reader, "a name in base64", value);
	free(*string);
	*string = text_steal(&bytes);
	return *string ? 0 : error_oom(reader->err);
}

/* Parses a non-empty value in the form of add_bytes(). */
static int parse_bytes(struct json_reader *reader, struct json_object *value, void *to)
{
	static const struct json_key keys[] = { { "base64", parse_base64, 0, true }, {} };
	int r = json_object_is_type(value, json_type_object)
			? json_reader_object(reader, value, keys, to)
			: json_parse_string(reader, value, to);

	if (r == 0 && !**(char **)to)
		return json_reader_wrong(reader, "a name", value);
	return r;
}

static int parse_leave(struct json_reader *reader, struct json_object *value, void *to)
{
	struct history_entry *layer = to;

	if (!json_object_is_type(value, json_type_array))
		return json_reader_wrong(reader, "a list of paths", value);
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		struct json_object *name = json_object_array_get_idx(value, i);
		int direction = json_object_is_type(name, json_type_string)
					? direction_from_name(json_object_get_string(name))
					: -1;

		if (direction < 0)
			return json_reader_wrong(reader, "ingress or egress", name);
		layer->leave[direction] = true;
	}
	return 0;
}

/* Only this reader uses the object, so json-c may cache the serialized text in it. */
static int parse_document(struct json_reader *reader, struct json_object *value, void *to)
{
	struct history_entry *layer = to;
	const char *text;
	size_t len;

	if (!json_object_is_type(value, json_type_object))
		return json_reader_wrong(reader, "a document", value);
	text = json_object_to_json_string_length(
		value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (text)
		text_add(&layer->bytes, text, len);
	return text && text_status(&layer->bytes) == 0 ? 0 : error_oom(reader->err);
}

static int parse_document_data(struct json_reader *reader, struct json_object *value, void *to)
{
	struct history_entry *layer = to;

	if (!json_object_is_type(value, json_type_string) ||
	    base64_decode(json_object_get_string(value), (size_t)json_object_get_string_len(value),
			  &layer->bytes) < 0)
		return json_reader_wrong(reader, "a document in base64", value);
	return 0;
}

/* A damaged file must not make presets_assign() read past the end of a string. */
static int parse_assignment(struct json_reader *reader, struct json_object *value, void *to)
{
	int r = parse_bytes(reader, value, to);

	return r == 0 ? presets_check_assignment(*(char **)to, reader->err) : r;
}

static int parse_layer(struct json_reader *reader, struct json_object *value, void *to)
{
	static const struct json_key keys[] = {
		{ "leave", parse_leave },
		{ "set", json_parse_list, offsetof(struct history_entry, assignments),
		  .count = offsetof(struct history_entry, n_assignments), .max = ASSIGNMENTS_MAX,
		  .size = sizeof(char *), .element = parse_assignment, .bytes = PRESET_TEXT_MAX },
		{ "file", parse_bytes, offsetof(struct history_entry, file), .bytes = BYTES_MAX },
		{ "document", parse_document },
		{ "document-data", parse_document_data },
		{},
	};
	struct history_entry *layer = to;
	int r = json_reader_object(reader, value, keys, layer);

	if (r == 0 && !layer->file == !layer->bytes.len)
		return error_set(reader->err, -EINVAL,
				 "%s: expected one of file, document and document-data",
				 text_str(&reader->where));
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		layer->covers[direction] = !layer->leave[direction];
	return r;
}

/* Uses the option parser of collectd.conf, so that a file is subject to the same limits. */
static int form_settings(const struct form *form, struct monitor_settings *settings,
			 struct error *err)
{
	const struct settings_node node = { BLOCK_MONITOR, settings };
	const char *const values[][2] = {
		{ "Hook", form->hook },
		{ "LogLevel", form->log_level },
		{ "NetNS", form->netns },
		{ "Position", form->position },
		{ "Share", form->share ? "true" : "false" },
		{ "Pin", form->pin ? "true" : "false" },
	};
	int r = monitor_settings_init(settings, form->name, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(values); i++)
		if (values[i][1])
			r = settings_set(node, values[i][0], values[i][1], err);
	for (size_t i = 0; r == 0 && i < form->n_interfaces; i++) {
		r = settings_set(node, "Interface", form->interfaces[i], err);
		if (r == 0 && i < form->n_positions && *form->positions[i])
			r = monitor_settings_set_position(settings, form->positions[i], err);
	}
	return r;
}

int saved_parse(const char *bytes, size_t len, const char *name, struct saved *ret,
		struct text *warnings, struct error *err)
{
	static const struct json_key keys[] = {
		{ "version", saved_parse_version, offsetof(struct form, version), true },
		{ "name", json_parse_name, offsetof(struct form, name), true },
		{ "hook", json_parse_string, offsetof(struct form, hook) },
		{ "loglevel", json_parse_string, offsetof(struct form, log_level) },
		{ "netns", parse_bytes, offsetof(struct form, netns), .bytes = BYTES_MAX },
		{ "position", json_parse_string, offsetof(struct form, position) },
		{ "share", json_parse_bool, offsetof(struct form, share) },
		{ "pin", json_parse_bool, offsetof(struct form, pin) },
		{ "interfaces", json_parse_list, offsetof(struct form, interfaces),
		  .count = offsetof(struct form, n_interfaces), .max = INTERFACE_OPTIONS_MAX,
		  .size = sizeof(char *), .element = parse_bytes, .bytes = BYTES_MAX },
		/* One position for each interface; "" means no position. */
		{ "positions", json_parse_list, offsetof(struct form, positions),
		  .count = offsetof(struct form, n_positions), .max = INTERFACE_OPTIONS_MAX,
		  .size = sizeof(char *), .element = json_parse_string },
		{ "dataplanes", json_parse_list, offsetof(struct form, layers),
		  .count = offsetof(struct form, n_layers), .max = N_DIRECTIONS,
		  .size = sizeof(struct history_entry), .element = parse_layer },
		{},
	};
	struct json_reader reader = { .warnings = warnings, .err = err };
	_cleanup_(form_release) struct form form = {};
	_cleanup_(saved_release) struct saved saved = {};
	struct json_object *json = NULL;
	int r = json_reader_parse(bytes, len, &json, err);

	if (r == 0)
		r = json_reader_object(&reader, json, keys, &form);
	json_object_put(json);
	text_release(&reader.where);
	if (r == 0 && strcmp(form.name, name) != 0)
		r = error_set(err, -EINVAL, "name: expected \"%s\", found \"%.100s\"", name,
			      form.name);
	if (r == 0)
		r = form_settings(&form, &saved.settings, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < form.n_layers; i++)
		saved.history.layers[saved.history.n++] = form.layers[i];
	form.n_layers = 0; /* moved to saved */
	*ret = saved;
	saved = (struct saved){};
	return 0;
}
