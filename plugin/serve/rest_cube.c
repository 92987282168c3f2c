/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dynmon and /dynmon/:name: monitors as Polycube's cubes. */
#include "base/hash.h"
#include "base/utf8.h"
#include "export/json.h"
#include "serve/rest_private.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <strings.h>

DEFINE_CLEANUP(struct json_object *, json_object_put);
#define _cleanup_json_ _cleanup_(json_object_putp)

/*
 * Polycube's names of hooks and log levels. If ours occurs twice, the first entry is used for
 * output.
 */
struct word {
	const char *theirs, *ours;
};

static const struct word types[] = {
	{ "TC", "auto" },
	{ "XDP_SKB", "xdp-generic" },
	{ "XDP_DRV", "xdp" },
	{},
};

static const struct word levels[] = {
	{ "OFF", "off" },	 { "ERR", "error" },   { "WARN", "warn" },
	{ "INFO", "info" },	 { "DEBUG", "debug" }, { "TRACE", "trace" },
	{ "CRITICAL", "error" }, { "ERROR", "error" }, {},
};

const char *rest_type(const struct monitor *monitor)
{
	for (const struct word *type = types; type->theirs; type++)
		if (!strcmp(monitor->hook->name, type->ours))
			return type->theirs;
	return types[0].theirs; /* tcx and tc */
}

const char *rest_level(const char *log_level)
{
	for (const struct word *level = levels; level->theirs; level++)
		if (!strcasecmp(log_level, level->ours))
			return level->theirs;
	return levels[0].theirs;
}

/*
 * Translates a Polycube name, in any letter case. Returns NULL with the valid names in the answer.
 */
static const char *translate(struct rest_call *call, const struct word *words, const char *name,
			     const char *value)
{
	_cleanup_text_ struct text all = {};
	_cleanup_error_ struct error err = {};

	for (const struct word *word = words; word->theirs; word++) {
		if (!strcasecmp(word->theirs, value))
			return word->ours;
		text_printf(&all, "%s%s", all.len ? ", " : "", word->theirs);
	}
	error_set(&err, -EINVAL, "%s: expected one of %s, found \"%.60s\"", name, text_str(&all),
		  value);
	rest_invalid(call, name, &err);
	return NULL;
}

struct monitor *rest_monitor(struct rest_call *call)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_error_ struct error err = {};

	if (registry_list(call->request->registry, rest_word(call, 1), &list, &err) == 0)
		return monitor_ref(list.monitors[0]);
	if (err.code == -ENOENT)
		rest_missing(call, error_message(&err));
	else
		rest_failed(call, &err);
	return NULL;
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

void rest_cube_members(struct monitor *monitor, struct text *out)
{
	_cleanup_text_ struct text uuid = {}, parent = {};
	const char *word;

	add_uuid(monitor->name, &uuid);
	pthread_mutex_lock(&monitor->state);
	rest_member(out, true, "name", monitor->name);
	rest_member(out, false, "uuid", text_str(&uuid));
	rest_member(out, false, "service-name", REST_SERVICE);
	rest_member(out, false, "type", rest_type(monitor));
	rest_member(out, false, "loglevel", rest_level(monitor->log_level));
	word = monitor->n_patterns ? monitor_interface(monitor, monitor->patterns[0]) : "";
	utf8_name(&parent, word, strlen(word));
	rest_member(out, false, "parent", text_str(&parent));
	pthread_mutex_unlock(&monitor->state);
}

void rest_get_cubes_of_service(struct rest_call *call)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_text_ struct text links = {};
	_cleanup_error_ struct error err = {};
	struct text *out = &call->answer->body;

	if (registry_list(call->request->registry, NULL, &list, &err) < 0) {
		rest_failed(call, &err);
		return;
	}
	rest_links_begin(call, &links);
	text_addc(out, '[');
	for (size_t i = 0; i < list.n; i++) {
		rest_links_add(call, &links, list.monitors[i]->name);
		text_adds(out, i ? ",{" : "{");
		rest_cube_members(list.monitors[i], out);
		text_addc(out, '}');
	}
	rest_links_end(&links);
	if (list.n)
		text_printf(out, ",[\"_links\",%s]", text_str(&links));
	text_addc(out, ']');
	rest_json(call);
}

void rest_get_cube(struct rest_call *call)
{
	const struct json_filter filter = { .direction = -1, .one = true };
	_cleanup_(monitor_unrefp) struct monitor *monitor = rest_monitor(call);
	_cleanup_json_ struct json_object *config = NULL;
	_cleanup_text_ struct text head = {}, tail = {};
	_cleanup_error_ struct error err = {};
	struct json_frame frame = { .shape = JSON_OBJECT };
	struct snapshot snapshot = {};
	int r = 0;

	if (!monitor)
		return;
	text_addc(&head, '{');
	rest_cube_members(monitor, &head);
	config = rest_config(monitor);
	text_adds(&head, ",\"dataplane-config\":");
	if (config)
		rest_config_text(config, &head);
	text_adds(&head, ",\"metrics\":");
	text_adds(&tail, ",\"_links\":");
	rest_links(call, &tail);
	text_addc(&tail, '}');
	if (!config || text_status(&head) < 0 || text_status(&tail) < 0 ||
	    snapshot_add(&snapshot, monitor) < 0) {
		snapshot_release(&snapshot);
		r = error_oom(&err);
	}
	frame.head = text_str(&head);
	frame.tail = text_str(&tail);
	if (r == 0 && rest_refuse_foreign(call, &snapshot))
		return;
	if (r == 0)
		r = json_stream_new(&snapshot, &filter, &frame, &call->answer->stream, &err);
	if (r < 0)
		rest_failed(call, &err);
	else
		rest_json(call);
}

void rest_get_leaf(struct rest_call *call)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = rest_monitor(call);
	_cleanup_json_ struct json_object *cube = NULL;
	_cleanup_text_ struct text members = {};
	const char *value;

	if (!monitor)
		return;
	text_addc(&members, '{');
	rest_cube_members(monitor, &members);
	text_addc(&members, '}');
	cube = json_tokener_parse(text_str(&members));
	value = json_object_get_string(json_object_object_get(cube, rest_word(call, 2)));
	text_json(&call->answer->body, value ? value : "", value ? strlen(value) : 0);
	rest_json(call);
}

/* -- changing -- */

/* The parsed body of a request. The strings belong to the body. */
struct wish {
	struct json_object *body;
	const char *hook, *log_level; /* our names; NULL if missing */
	struct text document;	      /* empty if missing */
};

static void wish_release(struct wish *wish)
{
	json_object_put(wish->body);
	text_release(&wish->document);
}

/* Checks a member that must have its current value. */
static int take_same(struct rest_call *call, struct json_object *body, const char *member,
		     const char *is)
{
	_cleanup_error_ struct error err = {};
	const char *value;
	int r;

	value = rest_body_string(call, body, member, &r);
	if (r < 0 || !value || !is || !strcasecmp(value, is))
		return r;
	r = error_set(&err, -EINVAL, "%s: expected \"%s\", found \"%.60s\"", member, is, value);
	rest_invalid(call, member, &err);
	return r;
}

/* Refuses unknown members, because they may be misspelled. */
static int check_members(struct rest_call *call, struct json_object *body)
{
	static const char *const known[] = { "name", "type", "loglevel", "service-name",
					     "dataplane-config" };

	json_object_object_foreach(body, member, value) {
		_cleanup_error_ struct error err = {};
		size_t i = 0;

		(void)value;
		while (i < ARRAY_SIZE(known) && strcmp(known[i], member) != 0)
			i++;
		if (i < ARRAY_SIZE(known))
			continue;
		error_set(&err, -EINVAL,
			  "%.60s: cannot be set; there are type, loglevel and dataplane-config",
			  member);
		rest_invalid(call, member, &err);
		return -EINVAL;
	}
	return 0;
}

/*
 * Parses the body. If *name is NULL, takes the name from the body. Returns 0, or -errno with an
 * error in the answer.
 */
static int wish_init(struct wish *wish, struct rest_call *call, const char **name)
{
	struct json_object *config;
	const char *word;
	int r;

	*wish = (struct wish){ .body = rest_body_object(call) };
	if (!wish->body)
		return -EINVAL;
	r = check_members(call, wish->body);
	if (r == 0 && !*name) {
		*name = rest_body_string(call, wish->body, "name", &r);
		if (r == 0 && !*name) {
			rest_error(call, MHD_HTTP_BAD_REQUEST, "missing-attribute", "name",
				   "name: the monitor's name is missing");
			r = -EINVAL;
		}
	} else if (r == 0) {
		r = take_same(call, wish->body, "name", *name);
	}
	if (r == 0)
		r = take_same(call, wish->body, "service-name", REST_SERVICE);
	word = r == 0 ? rest_body_string(call, wish->body, "type", &r) : NULL;
	if (word && !(wish->hook = translate(call, types, "type", word)))
		r = -EINVAL;
	word = r == 0 ? rest_body_string(call, wish->body, "loglevel", &r) : NULL;
	if (word && !(wish->log_level = translate(call, levels, "loglevel", word)))
		r = -EINVAL;
	config = json_object_object_get(wish->body, "dataplane-config");
	if (r == 0 && config && !json_object_is_type(config, json_type_object)) {
		rest_error(call, MHD_HTTP_BAD_REQUEST, "invalid-value", "dataplane-config",
			   "dataplane-config: expected an object");
		r = -EINVAL;
	}
	if (r == 0 && config)
		rest_config_text(config, &wish->document);
	return r;
}

static int make_settings(const struct wish *wish, const char *name,
			 struct monitor_settings *settings, struct error *err)
{
	const struct settings_node node = { BLOCK_MONITOR, settings };
	int r = monitor_settings_init(settings, name, err);

	if (r == 0 && wish->hook)
		r = settings_set(node, "Hook", wish->hook, err);
	if (r == 0 && wish->log_level)
		r = settings_set(node, "LogLevel", wish->log_level, err);
	return r;
}

static void add_cube(struct rest_call *call, const struct wish *wish, const char *name)
{
	_cleanup_(monitor_settings_release) struct monitor_settings settings = {};
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	int r = make_settings(wish, name, &settings, &err);

	if (r < 0) {
		rest_invalid(call, "name", &err);
		return;
	}
	if (wish->document.len) {
		const struct injection injection = {
			.monitor = name,
			.into = INJECT_NEW,
			.settings = &settings,
			.bytes = wish->document.data,
			.len = wish->document.len,
		};

		rest_inject(call, &injection, MHD_HTTP_CREATED);
		return;
	}
	r = registry_add(call->request->registry, &settings, false, &report, &err);
	if (r == -EEXIST)
		rest_error(call, MHD_HTTP_CONFLICT, "data-exists", NULL, error_message(&err));
	else if (r < 0)
		rest_failed(call, &err);
	else
		rest_done(call, MHD_HTTP_CREATED);
}

void rest_post_service(struct rest_call *call)
{
	_cleanup_(wish_release) struct wish wish = {};
	const char *name = NULL;

	if (wish_init(&wish, call, &name) == 0)
		add_cube(call, &wish, name);
}

void rest_post_cube(struct rest_call *call)
{
	_cleanup_(wish_release) struct wish wish = {};
	const char *name = rest_word(call, 1);

	if (wish_init(&wish, call, &name) == 0)
		add_cube(call, &wish, name);
}

/* Changes the dataplane and the log level of a monitor, both or neither. */
static void change_cube(struct rest_call *call, const struct wish *wish, const char *name)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_error_ struct error err = {};
	const struct injection injection = {
		.monitor = name,
		.into = INJECT_EXISTING,
		.log_level = wish->log_level,
		.keep_maps = !wish->document.len,
		.bytes = wish->document.data,
		.len = wish->document.len,
	};

	if (registry_list(call->request->registry, name, &list, &err) < 0) {
		rest_missing(call, error_message(&err));
		return;
	}
	if (take_same(call, wish->body, "type", rest_type(list.monitors[0])) < 0)
		return;
	if (wish->log_level || wish->document.len)
		rest_inject(call, &injection, MHD_HTTP_OK);
	else
		rest_done(call, MHD_HTTP_OK);
}

void rest_patch_service(struct rest_call *call)
{
	_cleanup_(wish_release) struct wish wish = {};
	const char *name = NULL;

	if (wish_init(&wish, call, &name) == 0)
		change_cube(call, &wish, name);
}

void rest_patch_cube(struct rest_call *call)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = rest_monitor(call);
	_cleanup_(wish_release) struct wish wish = {};
	const char *name = rest_word(call, 1);

	if (monitor && wish_init(&wish, call, &name) == 0)
		change_cube(call, &wish, name);
}

/* The body is the level: a JSON string. */
void rest_patch_log_level(struct rest_call *call)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = rest_monitor(call);
	_cleanup_json_ struct json_object *body = NULL;
	_cleanup_error_ struct error err = {};
	struct wish wish = {};

	if (!monitor || rest_body(call, &body) < 0)
		return;
	if (!json_object_is_type(body, json_type_string)) {
		error_set(&err, -EINVAL, "loglevel: expected a string, such as \"DEBUG\"");
		rest_invalid(call, "loglevel", &err);
		return;
	}
	wish.log_level = translate(call, levels, "loglevel", json_object_get_string(body));
	if (wish.log_level)
		change_cube(call, &wish, rest_word(call, 1));
}

void rest_delete_cube(struct rest_call *call)
{
	_cleanup_error_ struct error err = {};
	int r = registry_delete(call->request->registry, rest_word(call, 1), NULL, &err);

	if (r == -ENOENT)
		rest_error(call, MHD_HTTP_CONFLICT, "data-missing", NULL, error_message(&err));
	else if (r < 0)
		rest_failed(call, &err);
	else
		rest_done(call, MHD_HTTP_OK);
}
