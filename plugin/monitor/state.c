/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/state.h"
#include "base/file.h"
#include "dataplane/walk.h"
#include "monitor/option.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sys/stat.h>

#define STATE_VERSION	 1
#define NETNS_NAME_MAX	 1000
#define FILE_SUFFIX	 ".json"
#define TEMPORARY_SUFFIX ".new" /* of ".NAME.new": no monitor's name starts with a dot */

#define FILE_NAME_SIZE (MONITOR_NAME_MAX + 8)

void saved_release(struct saved *saved)
{
	monitor_settings_release(&saved->settings);
	recipe_release(&saved->recipe);
}

/* -- writing -- */

static void member(struct text *out, const char *name, const char *value)
{
	if (!value)
		return;
	text_printf(out, ",\n  \"%s\": ", name);
	text_json(out, value, strlen(value));
}

/* encoded: as base64 what could stand there as JSON, too. */
static void format_layer(const struct layer *layer, bool encoded, struct text *out)
{
	bool first = true;

	text_adds(out, "{ \"leave\": [");
	for (int path = 0; path < PATH_COUNT; path++) {
		if (layer->leave[path])
			text_printf(out, "%s\"%s\"", first ? "" : ", ", path_name((enum path)path));
		first = first && !layer->leave[path];
	}
	text_adds(out, "], ");
	if (layer->file) {
		text_adds(out, "\"file\": ");
		text_json(out, layer->file, strlen(layer->file));
	} else if (encoded || !layer->bytes.len || layer->bytes.data[0] != '{') {
		text_adds(out, "\"document-data\": \"");
		base64_encode(layer->bytes.data, layer->bytes.len, out);
		text_addc(out, '"');
	} else {
		text_adds(out, "\"document\": ");
		text_add(out, layer->bytes.data, layer->bytes.len);
	}
	text_adds(out, " }");
}

static void format(const struct monitor *monitor, bool encoded, struct text *out)
{
	const struct monitor_settings *settings = &monitor->settings;

	text_printf(out, "{\n  \"version\": %d", STATE_VERSION);
	member(out, "name", settings->name);
	member(out, "hook", settings->hook);
	member(out, "loglevel", monitor->log_level);
	member(out, "netns", settings->netns);
	member(out, "position", settings->position);
	text_printf(out, ",\n  \"share\": %s,\n  \"pin\": %s,\n  \"interfaces\": [",
		    settings->share ? "true" : "false", settings->pin ? "true" : "false");
	for (size_t i = 0; i < monitor->n_patterns; i++) {
		const char *word = monitor_word(monitor, monitor->patterns[i]);

		text_adds(out, i ? ", " : "");
		text_json(out, word, strlen(word));
	}
	text_adds(out, "],\n  \"positions\": [");
	for (size_t i = 0; i < monitor->n_patterns; i++) {
		const char *position = monitor->patterns[i]->position;

		text_adds(out, i ? ", " : "");
		text_json(out, position ? position : "", position ? strlen(position) : 0);
	}
	text_adds(out, "],\n  \"dataplanes\": [");
	for (size_t i = 0; i < monitor->recipe.n; i++) {
		text_adds(out, i ? ",\n    " : "\n    ");
		format_layer(&monitor->recipe.layers[i], encoded, out);
	}
	text_adds(out, "]\n}\n");
}

/* What can be read back: JSON inside JSON is nested more deeply than a document may be. */
static int format_readable(const struct monitor *monitor, struct text *out)
{
	for (int encoded = 0; encoded < 2; encoded++) {
		_cleanup_(saved_release) struct saved saved = {};
		_cleanup_text_ struct text warnings = {};
		int r;

		text_clear(out);
		format(monitor, encoded, out);
		if (text_status(out) < 0)
			return -ENOMEM;
		r = state_parse(out->data, out->len, monitor->settings.name, &saved, &warnings,
				NULL);
		if (r == 0)
			return 0;
	}
	return -EINVAL;
}

static void file_name(char *to, const char *prefix, const char *name, const char *suffix)
{
	snprintf(to, FILE_NAME_SIZE, "%s%s%s", prefix, name, suffix);
}

/* The folder, made with mode 0700 if it is missing; -errno. */
static int folder_open(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && (mkdir(dir, 0700) == 0 || errno == EEXIST))
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_file(int dir_fd, const char *name, const struct text *bytes)
{
	_cleanup_close_ int fd = -1;
	int r;

	unlinkat(dir_fd, name, 0);
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = file_write_fd(fd, bytes->data, bytes->len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, name, 0);
	return r;
}

static int replace_file(const char *dir, const char *name, const struct text *bytes)
{
	_cleanup_close_ int dir_fd = folder_open(dir);
	char temporary[FILE_NAME_SIZE], final[FILE_NAME_SIZE];
	int r;

	if (dir_fd < 0)
		return dir_fd;
	file_name(temporary, ".", name, TEMPORARY_SUFFIX);
	file_name(final, "", name, FILE_SUFFIX);
	r = write_file(dir_fd, temporary, bytes);
	if (r < 0)
		return r;
	if (renameat(dir_fd, temporary, dir_fd, final) < 0) {
		r = -errno;
		unlinkat(dir_fd, temporary, 0);
		return r;
	}
	return fsync(dir_fd) < 0 ? -errno : 0;
}

int state_save(const char *dir, struct monitor *monitor, struct error *err)
{
	const char *name = monitor->settings.name;
	_cleanup_text_ struct text bytes = {};
	bool removed;
	int r = format_readable(monitor, &bytes);

	if (r == 0)
		r = replace_file(dir, name, &bytes);
	if (r == 0)
		return 0;
	removed = state_remove(dir, name, NULL) == 0;
	if (removed && (r == -ENOSPC || r == -EDQUOT)) { /* the old one may have left room */
		r = replace_file(dir, name, &bytes);
		if (r == 0)
			return 0;
	}
	return error_set(err, r, "monitor %s: its state could not be saved: %s; %s", name,
			 strerror(-r),
			 removed ? "it will not come back after a restart"
				 : "after a restart it comes back as it was before");
}

int state_remove(const char *dir, const char *name, struct error *err)
{
	_cleanup_close_ int dir_fd = -1;
	char file[FILE_NAME_SIZE];
	int r = 0;

	file_name(file, "", name, FILE_SUFFIX);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || unlinkat(dir_fd, file, 0) < 0)
		r = errno == ENOENT ? 0 : -errno;
	else if (fsync(dir_fd) < 0)
		r = -errno;
	if (r < 0)
		return error_set(err, r,
				 "monitor %s: its state could not be removed: %s; it may come back "
				 "after a restart",
				 name, strerror(-r));
	return 0;
}

/* -- reading -- */

/* What stands in a file, before it is a monitor's. */
struct form {
	int version;
	char *name, *hook, *log_level, *netns, *position;
	bool share, pin;
	char **interfaces, **positions;
	size_t n_interfaces, n_positions;
	struct layer *layers;
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
		layer_release(&form->layers[i]);
	free(form->layers);
}

static int take_version(struct walk *walk, struct json_object *value, void *to)
{
	*(int *)to = json_object_get_int(value);
	if (json_object_is_type(value, json_type_int) && *(int *)to == STATE_VERSION)
		return 0;
	return walk_wrong(walk, "1, the version that this plugin writes", value);
}

static int take_netns(struct walk *walk, struct json_object *value, void *to)
{
	return take_bounded(walk, value, NETNS_NAME_MAX, to);
}

static int take_interfaces(struct walk *walk, struct json_object *value, void *to)
{
	struct form *form = to;

	return walk_list(walk, value, INTERFACES_MAX, sizeof(char *), take_name,
			 (void **)&form->interfaces, &form->n_interfaces);
}

/* One for each interface; "" where it has none. */
static int take_positions(struct walk *walk, struct json_object *value, void *to)
{
	struct form *form = to;

	return walk_list(walk, value, INTERFACES_MAX, sizeof(char *), take_string,
			 (void **)&form->positions, &form->n_positions);
}

static int take_leave(struct walk *walk, struct json_object *value, void *to)
{
	struct layer *layer = to;

	if (!json_object_is_type(value, json_type_array))
		return walk_wrong(walk, "a list of paths", value);
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		struct json_object *name = json_object_array_get_idx(value, i);
		int path = json_object_is_type(name, json_type_string)
				   ? path_from_name(json_object_get_string(name))
				   : -1;

		if (path < 0)
			return walk_wrong(walk, "ingress or egress", name);
		layer->leave[path] = true;
	}
	return 0;
}

/* The object belongs to this walk alone, so json-c may write its text into it. */
static int take_document(struct walk *walk, struct json_object *value, void *to)
{
	struct layer *layer = to;
	const char *text;
	size_t len;

	if (!json_object_is_type(value, json_type_object))
		return walk_wrong(walk, "a document", value);
	text = json_object_to_json_string_length(
		value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (text)
		text_add(&layer->bytes, text, len);
	return text && text_status(&layer->bytes) == 0 ? 0 : error_oom(walk->err);
}

static int take_document_data(struct walk *walk, struct json_object *value, void *to)
{
	struct layer *layer = to;

	if (!json_object_is_type(value, json_type_string) ||
	    base64_decode(json_object_get_string(value), (size_t)json_object_get_string_len(value),
			  &layer->bytes) < 0)
		return walk_wrong(walk, "a document in base64", value);
	return 0;
}

static int take_layer(struct walk *walk, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "leave", take_leave, 0, false },
		{ "file", take_name, offsetof(struct layer, file), false },
		{ "document", take_document, 0, false },
		{ "document-data", take_document_data, 0, false },
		{},
	};
	struct layer *layer = to;
	int r = walk_object(walk, value, keys, layer);

	if (r == 0 && !layer->file == !layer->bytes.len)
		return error_set(walk->err, -EINVAL,
				 "%s: expected one of file, document and document-data",
				 text_str(&walk->where));
	for (int path = 0; path < PATH_COUNT; path++)
		layer->covers[path] = !layer->leave[path];
	return r;
}

static int take_layers(struct walk *walk, struct json_object *value, void *to)
{
	struct form *form = to;

	return walk_list(walk, value, PATH_COUNT, sizeof(struct layer), take_layer,
			 (void **)&form->layers, &form->n_layers);
}

/* As if the options stood in collectd.conf, so that no file can say what that could not. */
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

static int form_walk(struct json_object *json, struct form *form, struct text *warnings,
		     struct error *err)
{
	static const struct key keys[] = {
		{ "version", take_version, offsetof(struct form, version), true },
		{ "name", take_name, offsetof(struct form, name), true },
		{ "hook", take_string, offsetof(struct form, hook), false },
		{ "loglevel", take_string, offsetof(struct form, log_level), false },
		{ "netns", take_netns, offsetof(struct form, netns), false },
		{ "position", take_string, offsetof(struct form, position), false },
		{ "share", take_bool, offsetof(struct form, share), false },
		{ "pin", take_bool, offsetof(struct form, pin), false },
		{ "interfaces", take_interfaces, 0, false },
		{ "positions", take_positions, 0, false },
		{ "dataplanes", take_layers, 0, false },
		{},
	};
	struct walk walk = { .warnings = warnings, .err = err };
	int r = walk_object(&walk, json, keys, form);

	text_release(&walk.where);
	return r;
}

int state_parse(const char *bytes, size_t len, const char *name, struct saved *ret,
		struct text *warnings, struct error *err)
{
	_cleanup_(form_release) struct form form = {};
	_cleanup_(saved_release) struct saved saved = {};
	struct json_object *json = NULL;
	int r = walk_parse(bytes, len, &json, err);

	if (r == 0)
		r = form_walk(json, &form, warnings, err);
	json_object_put(json);
	if (r == 0 && strcmp(form.name, name) != 0)
		r = error_set(err, -EINVAL, "name: expected \"%s\", found \"%.100s\"", name,
			      form.name);
	if (r == 0)
		r = form_settings(&form, &saved.settings, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < form.n_layers; i++)
		saved.recipe.layers[saved.recipe.n++] = form.layers[i];
	form.n_layers = 0; /* taken */
	*ret = saved;
	saved = (struct saved){};
	return 0;
}

/* The monitor's name in the name of its file; false: it is none. */
static bool name_of_file(const char *file, char *name)
{
	size_t len = strlen(file), suffix = strlen(FILE_SUFFIX);

	if (len <= suffix || len - suffix > MONITOR_NAME_MAX ||
	    strcmp(file + len - suffix, FILE_SUFFIX) != 0)
		return false;
	memcpy(name, file, len - suffix);
	name[len - suffix] = '\0';
	return monitor_name_check(name, NULL) == 0;
}

static int state_read(const char *dir, const char *file, const char *name, struct saved *ret,
		      struct text *warnings, struct error *err)
{
	_cleanup_text_ struct text bytes = {};
	int r = file_read(dir, file, true, STATE_MAX, &bytes, err);

	return r < 0 ? r : state_parse(text_str(&bytes), bytes.len, name, ret, warnings, err);
}

static bool is_temporary(const char *file)
{
	size_t len = strlen(file), suffix = strlen(TEMPORARY_SUFFIX);

	return *file == '.' && len > suffix && !strcmp(file + len - suffix, TEMPORARY_SUFFIX);
}

/* What is in there is loaded into the kernel: it must be ours. */
static int folder_check(int fd, const char *dir, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, -errno, "StateDir %s: %s", dir, strerror(errno));
	if ((st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, -EPERM,
				 "StateDir %s: others may write to it, nothing is restored; "
				 "expected mode 0700 and collectd's own user",
				 dir);
	return 0;
}

int state_load(const char *dir, void (*take)(void *data, struct saved *saved), void *data,
	       struct text *report, struct error *err)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries = NULL;
	int n, r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_set(err, -errno, "StateDir %s: %s", dir, strerror(errno));
	r = folder_check(fd, dir, err);
	if (r < 0)
		return r;
	n = scandirat(fd, ".", &entries, NULL, alphasort);
	if (n < 0)
		return error_set(err, -errno, "StateDir %s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		_cleanup_(saved_release) struct saved saved = {};
		_cleanup_free_ struct dirent *entry = entries[i];
		_cleanup_text_ struct text warnings = {};
		_cleanup_error_ struct error why = {};
		char name[MONITOR_NAME_MAX + 1];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (is_temporary(entry->d_name))
			unlinkat(fd, entry->d_name, 0);
		else if (!name_of_file(entry->d_name, name))
			text_printf(report, "%s/%s: not a monitor's state, left alone\n", dir,
				    entry->d_name);
		else if (state_read(dir, entry->d_name, name, &saved, &warnings, &why) < 0)
			text_printf(report, "%s/%s: not restored: %s\n", dir, entry->d_name,
				    error_message(&why));
		else
			take(data, &saved);
	}
	free(entries);
	return 0;
}
