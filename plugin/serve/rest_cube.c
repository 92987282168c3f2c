/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rest_cube.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "export/json.h"
#include "serve/rest_config.h"
#include "serve/rest_schema.h"

#include <errno.h>
#include <microhttpd.h>
#include <strings.h>

/*
 * Polycube's names of hooks and log levels. If ours occurs twice, the first entry is used for
 * output.
 */
struct translation {
	const char *theirs, *ours;
};

static const struct translation types[] = {
	{ "TC", "auto" }, /* and tcx, tc */
	{ "XDP_SKB", "xdp-generic" },
	{ "XDP_DRV", "xdp" },
	{},
};

static const struct translation levels[] = {
	{ "OFF", "off" },	    { "ERR", "error" },	  { "WARN", "warn" },
	{ "INFO", "info" },	    { "DEBUG", "debug" }, { "TRACE", "trace" },
	{ "CRITICAL", "critical" }, { "ERROR", "error" }, {},
};

/* Returns Polycube's name; the first one if there is none. */
static const char *to_polycube(const struct translation *table, const char *ours)
{
	for (const struct translation *row = table; row->theirs; row++)
		if (!strcasecmp(ours, row->ours))
			return row->theirs;
	return table[0].theirs;
}

/* Gets our name for a member with a Polycube name, in any letter case. */
static int from_polycube(struct rest_call *call, const struct translation *table,
			 const char *member, const char *value, const char **ret, struct error *err)
{
	_cleanup_text_ struct text all = {};

	for (const struct translation *row = table; row->theirs; row++) {
		if (!strcasecmp(row->theirs, value)) {
			*ret = row->ours;
			return 0;
		}
		text_printf(&all, "%s%s", all.len ? ", " : "", row->theirs);
	}
	return rest_wrong(call, err, member, "one of %s, found \"%.60s\"", text_str(&all), value);
}

/* -- reading -- */

/*
 * Derives the UUID from the machine ID and the monitor's name, so that the UUID is stable without
 * stored state. Version 8 of RFC 9562 (custom format).
 */
static void add_uuid(const char *name, struct text *out)
{
	_cleanup_fclose_ FILE *file = fopen("/etc/machine-id", "re");
	char machine[40] = "";
	uint32_t words[4];

	if (file && !fgets(machine, sizeof(machine), file))
		*machine = '\0';
	for (uint32_t i = 0; i < 4; i++) {
		_cleanup_text_ struct text seed = {};

		text_printf(&seed, "%u %s %s", i, machine, name);
		words[i] = hash_bytes(text_str(&seed), seed.len);
	}
	text_printf(out, "%08x-%04x-8%03x-%04x-%04x%08x", words[0], words[1] >> 16,
		    words[1] & 0xfff, 0x8000 | (words[2] >> 16 & 0x3fff), words[2] & 0xffff,
		    words[3]);
}

/* Writes a member; if only is not NULL, the value of this member and no other. */
static void write_leaf(struct json_writer *json, const char *only, const char *name,
		       const char *value)
{
	if (!only)
		json_member_string(json, name, value);
	else if (!strcmp(only, name))
		json_put_string(json, value);
}

static void write_leaves(struct monitor *monitor, struct json_writer *json, const char *only)
{
	_cleanup_text_ struct text uuid = {}, parent = {};
	const char *interface;

	add_uuid(monitor->name, &uuid);
	pthread_mutex_lock(&monitor->state);
	interface = monitor->n_patterns ? monitor_interface(monitor, monitor->patterns[0]) : "";
	text_name(&parent, interface, strlen(interface));
	write_leaf(json, only, "name", monitor->name);
	write_leaf(json, only, "uuid", text_str(&uuid));
	write_leaf(json, only, "service-name", REST_SERVICE);
	write_leaf(json, only, "type", to_polycube(types, monitor->hook->name));
	write_leaf(json, only, "loglevel", to_polycube(levels, monitor->log_level));
	write_leaf(json, only, "parent", text_str(&parent));
	pthread_mutex_unlock(&monitor->state);
}

void rest_cube_write(struct monitor *monitor, struct json_writer *json)
{
	json_object_begin(json);
	write_leaves(monitor, json, NULL);
	json_object_end(json);
}

int rest_get_service(struct rest_call *call, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	struct json_writer *json = &call->json;
	int r = registry_list(call->request->registry, NULL, &list, err);

	if (r < 0)
		return r;
	json_array_begin(json);
	for (size_t i = 0; i < list.n; i++)
		rest_cube_write(list.monitors[i], json);
	if (list.n) {
		json_array_begin(json);
		json_put_string(json, "_links");
		rest_links_begin(call, json);
		for (size_t i = 0; i < list.n; i++)
			rest_links_add(call, json, list.monitors[i]->name);
		json_array_end(json);
		json_array_end(json);
	}
	json_array_end(json);
	return 0;
}

int rest_get_cube(struct rest_call *call, struct error *err)
{
	const struct json_filter filter = { .direction = -1, .one = true };
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	_cleanup_json_ struct json_object *config = NULL;
	_cleanup_text_ struct text head = {}, tail = {};
	struct json_writer head_json = { .out = &head },
			   tail_json = { .out = &tail, .comma = true };
	struct json_frame frame = { .shape = JSON_OBJECT };
	int r = rest_monitor(call, NULL, err);

	if (r < 0)
		return r;
	config = rest_config(call->monitor);
	if (!config)
		return error_oom(err);
	json_object_begin(&head_json);
	write_leaves(call->monitor, &head_json, NULL);
	json_key(&head_json, "dataplane-config");
	rest_config_text(config, json_value(&head_json));
	json_key(&head_json, "metrics");
	json_key(&tail_json, "_links");
	rest_schema_links(call, &tail_json);
	json_object_end(&tail_json);
	if (text_status(&head) < 0 || text_status(&tail) < 0 ||
	    snapshot_add(&snapshot, call->monitor) < 0)
		return error_oom(err);
	r = rest_check_foreign(call, &snapshot, err);
	if (r < 0)
		return r;
	frame.head = text_str(&head);
	frame.tail = text_str(&tail);
	return json_stream_new(&snapshot, &filter, &frame, &call->answer->stream, err);
}

int rest_get_leaf(struct rest_call *call, struct error *err)
{
	int r = rest_monitor(call, NULL, err);

	if (r == 0)
		write_leaves(call->monitor, &call->json, rest_word(call, 2));
	return r;
}

/* -- changing -- */

/* The parsed body of a request. The strings belong to the body. */
struct cube_body {
	struct json_object *json;
	const char *name;
	const char *hook, *log_level; /* our names; NULL if missing */
	struct text document;	      /* empty if missing */
};

static void cube_body_release(struct cube_body *body)
{
	json_object_put(body->json);
	text_release(&body->document);
}

/* Checks a member that, if present, must have its current value. */
static int check_unchanged(struct rest_call *call, struct json_object *body, const char *member,
			   const char *current, struct error *err)
{
	const char *value;
	int r = rest_body_string(call, body, member, &value, err);

	if (r < 0 || !value || !strcasecmp(value, current))
		return r;
	return rest_wrong(call, err, member, "\"%s\", found \"%.60s\"", current, value);
}

/* Refuses unknown members, because they may be misspelled. */
static int check_members(struct rest_call *call, struct json_object *body, struct error *err)
{
	static const char *const known[] = {
		"name", "type", "loglevel", "service-name", "dataplane-config", "dataplane", NULL
	};

	json_object_object_foreach(body, member, value) {
		const char *const *name = known;

		(void)value;
		while (*name && strcmp(*name, member) != 0)
			name++;
		if (!*name)
			return rest_wrong(call, err, member,
					  "type, loglevel or dataplane-config; other members "
					  "cannot be set");
	}
	return 0;
}

/* Reads a member with a Polycube name. */
static int read_translated(struct rest_call *call, struct json_object *body, const char *member,
			   const struct translation *table, const char **ret, struct error *err)
{
	const char *value;
	int r = rest_body_string(call, body, member, &value, err);

	return r < 0 || !value ? r : from_polycube(call, table, member, value, ret, err);
}

/* Parses the body. The name is that in the path, or else that in the body. */
static int cube_body_init(struct cube_body *body, struct rest_call *call, struct error *err)
{
	struct json_object *config;
	int r;

	*body = (struct cube_body){ .name = rest_word(call, 1) };
	r = rest_body_object(call, &body->json, err);
	if (r == 0)
		r = check_members(call, body->json, err);
	if (r == 0 && body->name)
		r = check_unchanged(call, body->json, "name", body->name, err);
	else if (r == 0)
		r = rest_body_string(call, body->json, "name", &body->name, err);
	if (r == 0 && !body->name)
		r = rest_invalid(call, "name",
				 error_set(err, -ENODATA, "name: the monitor's name is missing"));
	if (r == 0)
		r = check_unchanged(call, body->json, "service-name", REST_SERVICE, err);
	if (r == 0)
		r = read_translated(call, body->json, "type", types, &body->hook, err);
	if (r == 0)
		r = read_translated(call, body->json, "loglevel", levels, &body->log_level, err);
	if (r < 0)
		return r;
	config = json_object_object_get(body->json, "dataplane-config");
	if (!config)
		config = json_object_object_get(body->json, "dataplane"); /* Dynmon 1.0 */
	if (config && !json_object_is_type(config, json_type_object))
		return rest_wrong(call, err, "dataplane-config", "an object");
	if (config)
		rest_config_text(config, &body->document);
	return 0;
}

/* Creates a monitor: POST of the service, POST and PUT of a cube. */
int rest_post_cube(struct rest_call *call, struct error *err)
{
	_cleanup_(monitor_settings_release) struct monitor_settings settings = {};
	const struct settings_node node = { BLOCK_MONITOR, &settings };
	_cleanup_(cube_body_release) struct cube_body body = {};
	_cleanup_text_ struct text report = {};
	int r = cube_body_init(&body, call, err);

	if (r < 0)
		return r;
	r = monitor_settings_init(&settings, body.name, err);
	if (r == 0 && body.hook)
		r = settings_set(node, "Hook", body.hook, err);
	if (r == 0 && body.log_level)
		r = settings_set(node, "LogLevel", body.log_level, err);
	if (r < 0)
		return rest_invalid(call, "name", r);
	if (body.document.len) {
		const struct injection injection = {
			.monitor = body.name,
			.into = INJECT_NEW,
			.settings = &settings,
			.bytes = body.document.data,
			.len = body.document.len,
		};

		return rest_inject(call, &injection, MHD_HTTP_CREATED, err);
	}
	r = registry_add(call->request->registry, &settings, false, &report, err);
	if (r == 0)
		call->answer->status = MHD_HTTP_CREATED;
	return r == -EEXIST ? rest_conflict(call, "data-exists", r) : r;
}

/* Changes the dataplane and the log level of a monitor, both or neither. */
static int change_cube(struct rest_call *call, const struct cube_body *body, struct error *err)
{
	const struct injection injection = {
		.monitor = body->name,
		.into = INJECT_EXISTING,
		.log_level = body->log_level,
		.keep_maps = !body->document.len,
		.bytes = body->document.data,
		.len = body->document.len,
	};
	int r = rest_monitor(call, body->name, err);

	if (r == 0 && body->json)
		r = check_unchanged(call, body->json, "type",
				    to_polycube(types, call->monitor->hook->name), err);
	if (r < 0 || (!body->log_level && !body->document.len))
		return r;
	return rest_inject(call, &injection, MHD_HTTP_OK, err);
}

int rest_patch_service(struct rest_call *call, struct error *err)
{
	_cleanup_(cube_body_release) struct cube_body body = {};
	int r = cube_body_init(&body, call, err);

	return r < 0 ? r : change_cube(call, &body, err);
}

int rest_patch_cube(struct rest_call *call, struct error *err)
{
	int r = rest_monitor(call, NULL, err);

	return r < 0 ? r : rest_patch_service(call, err);
}

/* The body is the level: a JSON string. */
int rest_patch_log_level(struct rest_call *call, struct error *err)
{
	struct cube_body body = { .name = rest_word(call, 1) };
	_cleanup_json_ struct json_object *level = NULL;
	int r = rest_monitor(call, NULL, err);

	if (r == 0)
		r = rest_body(call, &level, err);
	if (r < 0)
		return r;
	if (!json_object_is_type(level, json_type_string))
		return rest_wrong(call, err, "loglevel", "a string, such as \"DEBUG\"");
	r = from_polycube(call, levels, "loglevel", json_object_get_string(level), &body.log_level,
			  err);
	return r < 0 ? r : change_cube(call, &body, err);
}

int rest_delete_cube(struct rest_call *call, struct error *err)
{
	int r = registry_delete(call->request->registry, rest_word(call, 1), NULL, err);

	return r == -ENOENT ? rest_conflict(call, "data-missing", r) : r;
}
