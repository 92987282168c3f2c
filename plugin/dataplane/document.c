/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/document.h"
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <libgen.h>
#include <strings.h>

#define JSON_DEPTH_MAX 32
#define QUOTE_MAX      60 /* bytes of a wrong value that a message repeats */

static const char *const path_names[PATH_COUNT] = { "ingress", "egress" };
static const char *const metric_type_names[] = {
	[METRIC_COUNTER] = "counter",	  [METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram", [METRIC_SUMMARY] = "summary",
	[METRIC_UNTYPED] = "untyped",
};

const char *path_name(enum path path)
{
	return path_names[path];
}

int path_from_name(const char *name)
{
	for (int path = 0; path < PATH_COUNT; path++)
		if (!strcasecmp(name, path_names[path]))
			return path;
	return -1;
}

const char *metric_type_name(enum metric_type type)
{
	return metric_type_names[type];
}

/*
 * The walk over the JSON. where is the way to the value at hand, as a person would write
 * it: "ingress-path.metric-configs[1].map-name".
 */
struct walk {
	const char *dir;
	const char *folder; /* below dir, where the document is; NULL: dir itself */
	bool confined;
	struct text where;
	struct text *warnings;
	struct error *err;
};

static int wrong(struct walk *walk, const char *expected, struct json_object *found)
{
	const char *value = json_object_to_json_string_ext(found, JSON_C_TO_STRING_NOSLASHESCAPE);
	bool cut = strlen(value) > QUOTE_MAX;

	return error_set(walk->err, -EINVAL, "%s: expected %s, found %.*s%s",
			 walk->where.len ? text_str(&walk->where) : "the document", expected,
			 QUOTE_MAX, value, cut ? "..." : "");
}

/* One key of an object: how to take its value into the struct at hand. */
struct key {
	const char *name;
	int (*take)(struct walk *walk, struct json_object *value, void *to);
	size_t offset; /* of the member that take() fills */
	bool required;
};

static int walk_object(struct walk *walk, struct json_object *object, const struct key *keys,
		       void *to)
{
	size_t mark = walk->where.len;
	int r;

	if (!json_object_is_type(object, json_type_object))
		return wrong(walk, "an object", object);
	json_object_object_foreach(object, name, value) {
		const struct key *key = keys;

		text_printf(&walk->where, "%s%.80s", mark ? "." : "", name);
		while (key->name && strcmp(key->name, name))
			key++;
		if (!key->name) {
			if (walk->warnings->len < WARNINGS_MAX)
				text_printf(walk->warnings, "%s: unknown key, ignored\n",
					    text_str(&walk->where));
		} else if (value) { /* null is as if the key were not there */
			r = key->take(walk, value, (char *)to + key->offset);
			if (r < 0)
				return r;
		}
		walk->where.len = mark;
	}
	for (const struct key *key = keys; key->name; key++)
		if (key->required && !json_object_object_get(object, key->name))
			return error_set(walk->err, -EINVAL, "%s: the key \"%s\" is missing",
					 mark ? text_str(&walk->where) : "the document", key->name);
	return 0;
}

/* Walks a list into *items, an array of *n elements of size bytes each. */
static int walk_list(struct walk *walk, struct json_object *list, size_t max, size_t size,
		     int (*take)(struct walk *, struct json_object *, void *), void **items,
		     size_t *n)
{
	size_t len, mark = walk->where.len;

	if (!json_object_is_type(list, json_type_array))
		return wrong(walk, "a list", list);
	len = json_object_array_length(list);
	if (len > max)
		return error_set(walk->err, -EFBIG, "%s: %zu elements, at most %zu are possible",
				 text_str(&walk->where), len, max);
	*items = calloc(len ? len : 1, size);
	if (!*items)
		return error_oom(walk->err);
	for (; *n < len; walk->where.len = mark) {
		struct json_object *value = json_object_array_get_idx(list, *n);
		char *item = (char *)*items + *n * size;
		int r;

		text_printf(&walk->where, "[%zu]", *n);
		++*n; /* counted first: what a failed take() left is freed with the rest */
		r = take(walk, value, item);
		if (r < 0)
			return r;
	}
	return 0;
}

/* json-c looks only at the shape of UTF-8 sequences. */
static bool is_utf8(const char *string)
{
	while (*string) {
		size_t len = utf8_sequence(string, strlen(string));

		if (!len)
			return false;
		string += len;
	}
	return true;
}

static int take_bounded(struct walk *walk, struct json_object *value, size_t max, void *to)
{
	char **string = to;
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return wrong(walk, "a string", value);
	text = json_object_get_string(value);
	if (strlen(text) != (size_t)json_object_get_string_len(value))
		return wrong(walk, "a string without NUL", value);
	if (strlen(text) > max)
		return error_set(walk->err, -EFBIG, "%s: %zu bytes, at most %zu are possible",
				 text_str(&walk->where), strlen(text), max);
	if (!is_utf8(text))
		return wrong(walk, "UTF-8", value);
	free(*string);
	*string = strdup(text);
	return *string ? 0 : error_oom(walk->err);
}

static int take_string(struct walk *walk, struct json_object *value, void *to)
{
	return take_bounded(walk, value, NAME_MAX_BYTES, to);
}

static int take_label_value(struct walk *walk, struct json_object *value, void *to)
{
	return take_bounded(walk, value, LABEL_MAX_BYTES, to);
}

static int take_help(struct walk *walk, struct json_object *value, void *to)
{
	return take_bounded(walk, value, HELP_MAX_BYTES, to);
}

static int take_name(struct walk *walk, struct json_object *value, void *to)
{
	int r = take_string(walk, value, to);

	if (r == 0 && !**(char **)to)
		return wrong(walk, "a name", value);
	return r;
}

static int take_bool(struct walk *walk, struct json_object *value, void *to)
{
	if (!json_object_is_type(value, json_type_boolean))
		return wrong(walk, "true or false", value);
	*(bool *)to = json_object_get_boolean(value);
	return 0;
}

static int take_metric_type(struct walk *walk, struct json_object *value, void *to)
{
	if (json_object_is_type(value, json_type_string))
		for (size_t i = 0; i < ARRAY_SIZE(metric_type_names); i++)
			if (!strcasecmp(json_object_get_string(value), metric_type_names[i])) {
				*(enum metric_type *)to = (enum metric_type)i;
				return 0;
			}
	return wrong(walk, "counter, gauge, histogram, summary or untyped", value);
}

/* [a-zA-Z_][a-zA-Z0-9_]*, and not one of the names that Prometheus keeps for itself. */
static int take_label_name(struct walk *walk, struct json_object *value, void *to)
{
	const char *name;
	int r = take_string(walk, value, to);

	if (r < 0)
		return r;
	name = *(char **)to;
	if (!*name || isdigit((unsigned char)*name) || !strncmp(name, "__", 2) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		return wrong(walk, "a label name ([a-zA-Z_][a-zA-Z0-9_]*, not starting with __)",
			     value);
	return 0;
}

static int take_label(struct walk *walk, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "name", take_label_name, offsetof(struct label_config, name), true },
		{ "value", take_label_value, offsetof(struct label_config, value), true },
		{},
	};

	return walk_object(walk, value, keys, to);
}

static int take_labels(struct walk *walk, struct json_object *value, void *to)
{
	struct metric_config *metric = to;
	int r = walk_list(walk, value, LABELS_MAX, sizeof(*metric->labels), take_label,
			  (void **)&metric->labels, &metric->n_labels);

	for (size_t i = 0; r == 0 && i < metric->n_labels; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(metric->labels[i].name, metric->labels[j].name))
				return error_set(
					walk->err, -EINVAL,
					"%s[%zu].name: \"%s\" is the name of [%zu] already",
					text_str(&walk->where), i, metric->labels[i].name, j);
	return r;
}

static int take_metadata(struct walk *walk, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "help", take_help, offsetof(struct metric_config, help), false },
		{ "type", take_metric_type, offsetof(struct metric_config, type), true },
		{ "labels", take_labels, 0, false },
		{},
	};

	((struct metric_config *)to)->exported = true;
	return walk_object(walk, value, keys, to);
}

static int take_extraction_options(struct walk *walk, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "empty-on-read", take_bool, offsetof(struct metric_config, empty_on_read),
		  false },
		{ "swap-on-read", take_bool, offsetof(struct metric_config, swap_on_read), false },
		{},
	};

	return walk_object(walk, value, keys, to);
}

static int take_metric(struct walk *walk, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "name", take_name, offsetof(struct metric_config, name), true },
		{ "map-name", take_name, offsetof(struct metric_config, map_name), true },
		{ "extraction-options", take_extraction_options, 0, false },
		{ "open-metrics-metadata", take_metadata, 0, false },
		{},
	};
	struct metric_config *metric = to;

	metric->type = METRIC_UNTYPED;
	return walk_object(walk, value, keys, metric);
}

static int take_metrics(struct walk *walk, struct json_object *value, void *to)
{
	struct path_config *path = to;
	int r = walk_list(walk, value, METRICS_MAX, sizeof(*path->metrics), take_metric,
			  (void **)&path->metrics, &path->n_metrics);

	for (size_t i = 0; r == 0 && i < path->n_metrics; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(path->metrics[i].name, path->metrics[j].name))
				return error_set(
					walk->err, -EINVAL,
					"%s[%zu].name: \"%s\" is the name of [%zu] already",
					text_str(&walk->where), i, path->metrics[i].name, j);
	return r;
}

/* Where the code comes from: each of these keys fills source or object, and only one may. */
static int code_alone(struct walk *walk, const struct path_config *path)
{
	if (path->source.len || path->object.len)
		return error_set(
			walk->err, -EINVAL,
			"%s: only one of code, code-file, object and object-data may be given",
			text_str(&walk->where));
	return 0;
}

static int take_code(struct walk *walk, struct json_object *value, void *to)
{
	struct path_config *path = to;
	_cleanup_free_ char *code = NULL;
	int r = take_bounded(walk, value, CODE_MAX, &code);

	if (r == 0)
		r = code_alone(walk, path);
	if (r < 0)
		return r;
	if (!*code)
		return wrong(walk, "C source", value);
	text_adds(&path->source, code);
	path->origin = strdup(text_str(&walk->where));
	return path->origin && text_status(&path->source) == 0 ? 0 : error_oom(walk->err);
}

static int take_file(struct walk *walk, struct json_object *value, struct path_config *path,
		     struct text *to, size_t max)
{
	_cleanup_free_ char *name = NULL, *full = NULL;
	int r = take_name(walk, value, &name);

	if (r == 0)
		r = code_alone(walk, path);
	if (r < 0)
		return r;
	if (walk->folder && name[0] != '/' && asprintf(&full, "%s/%s", walk->folder, name) < 0) {
		full = NULL;
		return error_oom(walk->err);
	}
	r = file_read(walk->dir, full ? full : name, walk->confined, max, to, walk->err);
	if (r < 0)
		return error_prefix(walk->err, r, "%s", text_str(&walk->where));
	if (!to->len)
		return error_set(walk->err, -EINVAL, "%s: the file \"%s\" is empty",
				 text_str(&walk->where), name);
	path->origin = steal_ptr(&name);
	return 0;
}

static int take_code_file(struct walk *walk, struct json_object *value, void *to)
{
	struct path_config *path = to;

	return take_file(walk, value, path, &path->source, CODE_MAX);
}

static int take_object_file(struct walk *walk, struct json_object *value, void *to)
{
	struct path_config *path = to;

	return take_file(walk, value, path, &path->object, OBJECT_MAX);
}

static int take_object_data(struct walk *walk, struct json_object *value, void *to)
{
	struct path_config *path = to;
	int r = code_alone(walk, path);

	if (r < 0)
		return r;
	if (!json_object_is_type(value, json_type_string) ||
	    base64_decode(json_object_get_string(value), (size_t)json_object_get_string_len(value),
			  &path->object) < 0 ||
	    !path->object.len)
		return wrong(walk, "an ELF object in base64", value);
	path->origin = strdup(text_str(&walk->where));
	return path->origin ? 0 : error_oom(walk->err);
}

static int take_path(struct walk *walk, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "name", take_string, offsetof(struct path_config, name), false },
		{ "code", take_code, 0, false },
		{ "code-file", take_code_file, 0, false },
		{ "object", take_object_file, 0, false },
		{ "object-data", take_object_data, 0, false },
		{ "program", take_name, offsetof(struct path_config, program), false },
		{ "metric-configs", take_metrics, 0, false },
		{},
	};
	_cleanup_(path_config_unrefp) struct path_config *path = NULL;
	int r;

	if (!json_object_is_type(value, json_type_object))
		return wrong(walk, "an object", value);
	if (!json_object_object_length(value))
		return 0; /* {}: leave that path as it is */
	path = calloc(1, sizeof(*path));
	if (!path)
		return error_oom(walk->err);
	path->refs = 1;
	r = walk_object(walk, value, keys, path);
	if (r < 0)
		return r;
	if (!path->origin)
		return error_set(
			walk->err, -EINVAL,
			"%s: the code is missing: one of code, code-file, object, object-data",
			text_str(&walk->where));
	*(struct path_config **)to = steal_ptr(&path);
	return 0;
}

/* Dynmon writes a name there, and does not use it. */
static int take_unused_name(struct walk *walk, struct json_object *value, void *to)
{
	_cleanup_free_ char *name = NULL;

	(void)to;
	return take_string(walk, value, &name);
}

static int document_walk(struct document *document, const char *dir, const char *folder,
			 bool confined, struct error *err)
{
	static const struct key keys[] = {
		{ "ingress-path", take_path, offsetof(struct document, paths[PATH_INGRESS]),
		  false },
		{ "egress-path", take_path, offsetof(struct document, paths[PATH_EGRESS]), false },
		{ "name", take_unused_name, 0, false },
		{},
	};
	struct walk walk = {
		.dir = dir,
		.folder = folder,
		.confined = confined,
		.warnings = &document->warnings,
		.err = err,
	};
	int r = walk_object(&walk, document->json, keys, document);

	text_release(&walk.where);
	return r;
}

/* Says where in the text a syntax error is, in lines and columns from 1. */
static int syntax_error(const char *bytes, size_t len, size_t at, const char *words,
			struct error *err)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < len; i++) {
		column++;
		if (bytes[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return error_set(err, -EINVAL, "JSON syntax: line %zu, column %zu: %s", line, column,
			 words);
}

static int json_parse(const char *bytes, size_t len, struct json_object **ret, struct error *err)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	enum json_tokener_error status;
	size_t end;
	bool again;

	if (!tokener)
		return error_oom(err);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
						JSON_TOKENER_ALLOW_TRAILING_CHARS);
	*ret = json_tokener_parse_ex(tokener, bytes, (int)len);
	status = json_tokener_get_error(tokener);
	again = status == json_tokener_continue;
	if (again) {
		/* A bare word or number ends where the text does: only what follows can tell. */
		*ret = json_tokener_parse_ex(tokener, " ", 1);
		status = json_tokener_get_error(tokener);
	}
	end = status == json_tokener_success && again ? len : json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (status == json_tokener_continue)
		return syntax_error(bytes, len, len, "the text ends in the middle", err);
	if (status != json_tokener_success)
		return syntax_error(bytes, len, end, json_tokener_error_desc(status), err);
	while (end < len && isspace((unsigned char)bytes[end]))
		end++;
	if (end < len) {
		json_object_put(*ret);
		*ret = NULL;
		return syntax_error(bytes, len, end, "text after the end of the document", err);
	}
	return 0;
}

static int parse(const char *bytes, size_t len, const char *dir, const char *folder, bool confined,
		 struct document **ret, struct error *err)
{
	_cleanup_document_ struct document *document = calloc(1, sizeof(*document));
	int r;

	if (!document)
		return error_oom(err);
	if (len > DOCUMENT_MAX)
		return error_set(err, -EFBIG, "the document has %zu bytes, at most %d are possible",
				 len, DOCUMENT_MAX);
	r = json_parse(bytes, len, &document->json, err);
	if (r == 0)
		r = document_walk(document, dir, folder, confined, err);
	if (r == 0 && text_status(&document->warnings) < 0)
		r = error_oom(err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&document);
	return 0;
}

int document_parse(const char *bytes, size_t len, const char *dir, bool confined,
		   struct document **ret, struct error *err)
{
	return parse(bytes, len, dir, NULL, confined, ret, err);
}

int document_load(const char *dir, const char *name, bool confined, struct document **ret,
		  struct error *err)
{
	_cleanup_free_ char *copy = strdup(name);
	_cleanup_text_ struct text bytes = {};
	const char *folder;
	int r;

	if (!copy)
		return error_oom(err);
	r = file_read(dir, name, confined, DOCUMENT_MAX, &bytes, err);
	if (r < 0)
		return r;
	folder = dirname(copy);
	r = parse(text_str(&bytes), bytes.len, dir, strcmp(folder, ".") ? folder : NULL, confined,
		  ret, err);
	if (r < 0)
		return error_prefix(err, r, "%s%s%s", dir && name[0] != '/' ? dir : "",
				    dir && name[0] != '/' ? "/" : "", name);
	return 0;
}

struct path_config *path_config_ref(struct path_config *config)
{
	if (config)
		__atomic_add_fetch(&config->refs, 1, __ATOMIC_RELAXED);
	return config;
}

static void metric_config_release(struct metric_config *metric)
{
	free(metric->name);
	free(metric->map_name);
	free(metric->help);
	for (size_t i = 0; i < metric->n_labels; i++) {
		free(metric->labels[i].name);
		free(metric->labels[i].value);
	}
	free(metric->labels);
}

struct path_config *path_config_unref(struct path_config *config)
{
	if (!config || __atomic_sub_fetch(&config->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	for (size_t i = 0; i < config->n_metrics; i++)
		metric_config_release(&config->metrics[i]);
	free(config->metrics);
	free(config->name);
	free(config->origin);
	free(config->program);
	text_release(&config->source);
	text_release(&config->object);
	free(config);
	return NULL;
}

void document_leave(struct document *document, const bool leave[PATH_COUNT])
{
	for (int path = 0; path < PATH_COUNT; path++)
		if (leave[path])
			document->paths[path] = path_config_unref(document->paths[path]);
}

struct document *document_free(struct document *document)
{
	if (!document)
		return NULL;
	for (int path = 0; path < PATH_COUNT; path++)
		path_config_unref(document->paths[path]);
	json_object_put(document->json);
	text_release(&document->warnings);
	free(document);
	return NULL;
}
