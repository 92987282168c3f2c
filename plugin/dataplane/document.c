/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/document.h"
#include "base/file.h"
#include "base/image.h"

#include <errno.h>
#include <json-c/json.h>
#include <libgen.h>
#include <string.h>

#define QUOTED_MAX 200 /* bytes of unknown keys in a message */

/* The sources of code outside the document. Pointers are borrowed. */
struct code_sources {
	const char *dir;	   /* base directory of files; NULL: the working directory */
	const char *folder;	   /* directory of the document, relative to dir; NULL: dir */
	bool confined;		   /* files must be below dir */
	const struct image *image; /* ELF file with the objects; NULL: the document is JSON text */
};

static int parse_code(struct json_reader *reader, struct json_object *value, void *to)
{
	_cleanup_free_ char *code = NULL;
	int r = json_parse_string(reader, value, &code);

	if (r < 0)
		return r;
	if (!*code)
		return json_reader_wrong(reader, "C source", value);
	text_adds(to, code);
	return text_status(to) < 0 ? error_oom(reader->err) : 0;
}

/* Reads the file that value names into a text. */
static int parse_code_file(struct json_reader *reader, struct json_object *value, void *to)
{
	const struct code_sources *sources = reader->context;
	_cleanup_free_ char *name = NULL, *full = NULL;
	struct text *text = to;
	int r = json_parse_name(reader, value, &name);

	if (r < 0)
		return r;
	if (sources->folder && name[0] != '/' &&
	    asprintf(&full, "%s/%s", sources->folder, name) < 0) {
		full = NULL;
		return error_oom(reader->err);
	}
	r = file_read(sources->dir, full ? full : name, sources->confined, reader->key->max, text,
		      reader->err);
	if (r < 0)
		return error_prefix(reader->err, r, "%s", text_str(&reader->where));
	if (!text->len)
		return error_set(reader->err, -EINVAL, "%s: the file \"%s\" is empty",
				 text_str(&reader->where), name);
	return 0;
}

static int parse_object_data(struct json_reader *reader, struct json_object *value, void *to)
{
	struct text *object = to;

	if (!json_object_is_type(value, json_type_string) ||
	    base64_decode(json_object_get_string(value), (size_t)json_object_get_string_len(value),
			  object) < 0 ||
	    !object->len)
		return json_reader_wrong(reader, "an ELF object in base64", value);
	return 0;
}

/* Copies the object of a bundle: the file itself or a section of the file. */
static int parse_object_section(struct json_reader *reader, struct json_object *value, void *to)
{
	const struct image *image = ((const struct code_sources *)reader->context)->image;
	_cleanup_free_ char *name = NULL;
	const char *bytes = image->bytes;
	size_t len = image->len;
	int r = json_parse_name(reader, value, &name);

	if (r < 0)
		return r;
	if (!strcmp(name, BUNDLE_SECOND)) {
		r = image_find_section(image, name, &bytes, &len, reader->err);
		if (r == 0 || (r > 0 && !image_is_elf(bytes, len)))
			r = error_set(reader->err, -EINVAL, "no ELF object is in section %s", name);
		if (r > 0 && len > OBJECT_MAX)
			r = error_set(reader->err, -EFBIG, "%zu bytes, at most %d are possible",
				      len, OBJECT_MAX);
		if (r < 0)
			return error_prefix(reader->err, r, "%s", text_str(&reader->where));
	} else if (strcmp(name, BUNDLE_SELF) != 0) {
		return json_reader_wrong(reader, "\"" BUNDLE_SELF "\" or \"" BUNDLE_SECOND "\"",
					 value);
	}
	text_add(to, bytes, len);
	return text_status(to) < 0 ? error_oom(reader->err) : 0;
}

#define DIRECTION_KEYS                                                                             \
	{ "name", json_parse_string, offsetof(struct direction_config, name) },                    \
		{ "program", json_parse_name, offsetof(struct direction_config, program) },        \
		{ "variables", presets_parse_variables,                                            \
		  offsetof(struct direction_config, presets) },                                    \
		{ "maps", presets_parse_maps, offsetof(struct direction_config, presets) },        \
		{ "code-name", json_parse_name, offsetof(struct direction_config, origin) },       \
	{                                                                                          \
		"metric-configs", json_parse_list, offsetof(struct direction_config, metrics),     \
			.count = offsetof(struct direction_config, n_metrics), .max = METRICS_MAX, \
			.size = sizeof(struct metric_config), .element = metric_config_parse,      \
			.keys = metric_config_keys, .unique = true                                 \
	}

static const struct json_key direction_keys[] = {
	DIRECTION_KEYS,
	{ "object", parse_code_file, offsetof(struct direction_config, object), .max = OBJECT_MAX },
	{ "code", parse_code, offsetof(struct direction_config, source), .bytes = CODE_MAX },
	{ "code-file", parse_code_file, offsetof(struct direction_config, source),
	  .max = CODE_MAX },
	{ "object-data", parse_object_data, offsetof(struct direction_config, object) },
	{},
};

static const struct json_key bundle_direction_keys[] = {
	DIRECTION_KEYS,
	{ "object", parse_object_section, offsetof(struct direction_config, object), true },
	{},
};

/* Renames "metrics" to "metric-configs": the name in Dynmon 1.0 and in the first examples of 1.1.
 */
static void rename_metrics(struct json_object *direction)
{
	struct json_object *metrics = json_object_object_get(direction, "metrics");

	if (!metrics || json_object_object_get_ex(direction, "metric-configs", NULL))
		return;
	json_object_object_add(direction, "metric-configs", json_object_get(metrics));
	json_object_object_del(direction, "metrics");
}

static int parse_direction_config(struct json_reader *reader, struct json_object *value, void *to)
{
	const struct code_sources *sources = reader->context;
	const struct json_key *keys = sources->image ? bundle_direction_keys : direction_keys;
	const struct json_key *code = NULL;
	_cleanup_(direction_config_unrefp) struct direction_config *direction = NULL;
	size_t n = 0;
	int r;

	if (!json_object_is_type(value, json_type_object))
		return json_reader_wrong(reader, "an object", value);
	if (!json_object_object_length(value))
		return 0; /* {} leaves the direction unchanged */
	rename_metrics(value);
	for (const struct json_key *key = keys; key->name; key++)
		if ((key->offset == offsetof(struct direction_config, source) ||
		     key->offset == offsetof(struct direction_config, object)) &&
		    json_object_object_get(value, key->name)) {
			code = key;
			n++;
		}
	if (n > 1)
		return error_set(reader->err, -EINVAL,
				 "%s: expected only one of code, code-file, object, object-data",
				 text_str(&reader->where));
	direction = calloc(1, sizeof(*direction));
	if (!direction)
		return error_oom(reader->err);
	direction->refs = 1;
	if (json_object_deep_copy(value, &direction->json, NULL) < 0)
		return error_oom(reader->err);
	r = json_reader_object(reader, value, keys, direction);
	if (r < 0)
		return r;
	if (!code)
		return error_set(reader->err, -ENODATA,
				 "%s: the code is missing: expected one of code, code-file, "
				 "object, object-data",
				 text_str(&reader->where));
	direction->has_list = json_object_object_get(value, "metric-configs");
	if (direction->origin)
		; /* code-name */
	else if (code->parse == parse_code_file)
		direction->origin =
			strdup(json_object_get_string(json_object_object_get(value, code->name)));
	else if (asprintf(&direction->origin, "%s.%s", text_str(&reader->where), code->name) < 0)
		direction->origin = NULL;
	if (!direction->origin)
		return error_oom(reader->err);
	*(struct direction_config **)to = steal_ptr(&direction);
	return 0;
}

static int parse_bundle_hook(struct json_reader *reader, struct json_object *value, void *to)
{
	enum document_hook *hook = to;
	_cleanup_free_ char *name = NULL;
	int r = json_parse_string(reader, value, &name);

	if (r < 0)
		return r;
	*hook = !strcmp(name, "tc")    ? DOCUMENT_HOOK_TC
		: !strcmp(name, "xdp") ? DOCUMENT_HOOK_XDP
				       : DOCUMENT_HOOK_ANY;
	return *hook ? 0 : json_reader_wrong(reader, "tc or xdp", value);
}

/* Returns a direction with the keys of an object that has no directions. */
static struct json_object *make_direction(struct json_object *flat)
{
	struct json_object *direction = json_object_new_object();

	json_object_object_foreach(flat, key, value) {
		if (direction)
			json_object_object_add(direction, key, json_object_get(value));
	}
	return direction;
}

/*
 * Converts a document without directions. The code of Dynmon 1.0, which comes with the key
 * "metrics", runs on ingress. Other code runs on the directions for which it has programs, which
 * the compiled code tells.
 */
static int convert_flat(struct document *document, struct error *err)
{
	static const char *const later[] = { "ingress-path", "egress-path", "metric-configs" };
	struct json_object *flat = document->json, *converted;
	bool old = json_object_object_get_ex(flat, "metrics", NULL);

	if (!json_object_object_get(flat, "code") && !json_object_object_get(flat, "code-file"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (json_object_object_get_ex(flat, later[i], NULL))
			return 0;
	converted = json_object_new_object();
	document->json = converted;
	for (enum direction direction = 0; converted && direction <= (old ? INGRESS : EGRESS);
	     direction++)
		json_object_object_add(converted, direction_key(direction), make_direction(flat));
	document->by_program = !old;
	json_object_put(flat);
	return converted ? 0 : error_oom(err);
}

/*
 * Rejects a document without a direction if it has unknown keys: the code is probably in one of
 * them. Without unknown keys the document leaves both directions unchanged.
 */
static int check_directions(const struct document *document, const struct json_key *keys,
			    struct error *err)
{
	_cleanup_text_ struct text unknown = {};

	if (document->directions[INGRESS] || document->directions[EGRESS])
		return 0;
	json_object_object_foreach(document->json, name, value) {
		const struct json_key *key = keys;

		(void)value;
		while (key->name && strcmp(key->name, name) != 0)
			key++;
		if (!key->name && unknown.len < QUOTED_MAX)
			text_printf(&unknown, "%s\"%.80s\"", unknown.len ? ", " : "", name);
	}
	return unknown.len ? error_set(err, -ENODATA,
				       "the document has no code: expected the keys "
				       "\"ingress-path\" or \"egress-path\", found %s",
				       text_str(&unknown))
			   : 0;
}

static int document_parse_with(const char *bytes, size_t len, struct code_sources *sources,
			       struct document **ret, struct error *err)
{
	static const struct json_key about_keys[] = {
		{ "version", json_parse_u32, offsetof(struct document, bundle_version), true,
		  .min = BUNDLE_VERSION, .max = BUNDLE_VERSION,
		  .expected = "1, the only known version" },
		{ "hook", parse_bundle_hook, offsetof(struct document, hook) },
		/* Informational: settings that the code was compiled with. */
		{ "log-level", json_parse_ignored },
		{ "cube-id", json_parse_ignored },
		{},
	};
	bool elf = image_is_elf(bytes, len);
	const struct json_key keys[] = {
		{ "ingress-path", parse_direction_config,
		  offsetof(struct document, directions[INGRESS]) },
		{ "egress-path", parse_direction_config,
		  offsetof(struct document, directions[EGRESS]) },
		{ "name", json_parse_string, offsetof(struct document, name) },
		/* A NULL name ends the table: the key is valid only in ELF files. */
		{ elf ? "bundle" : NULL, json_parse_object, .keys = about_keys },
		{},
	};
	_cleanup_document_ struct document *document = calloc(1, sizeof(*document));
	struct json_reader reader = { .root = elf ? bundle_direction_keys : direction_keys,
				      .root_name = "ingress-path or egress-path",
				      .context = sources,
				      .err = err };
	size_t max = elf ? BUNDLE_MAX : DOCUMENT_MAX;
	struct image image;
	int r = 0;

	if (!document)
		return error_oom(err);
	if (len > max)
		return error_set(err, -EFBIG, "the %s has %zu bytes, at most %zu are possible",
				 elf ? "bundle" : "document", len, max);
	if (elf) {
		sources->image = &image;
		r = image_init(&image, bytes, len, err);
		if (r == 0)
			r = elf_metadata_document(&image, &document->json, &document->warnings,
						  err);
	} else {
		r = json_reader_parse(bytes, len, &document->json, err);
		if (r == 0)
			r = convert_flat(document, err);
	}
	document->elf = elf;
	reader.warnings = &document->warnings;
	if (r == 0)
		r = json_reader_object(&reader, document->json, keys, document);
	text_release(&reader.where);
	sources->image = NULL;
	if (r == 0)
		r = check_directions(document, keys, err);
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
	struct code_sources sources = { .dir = dir, .confined = confined };

	return document_parse_with(bytes, len, &sources, ret, err);
}

/* Writes the document of a file with C source. */
static int source_document(const char *name, struct text *out, struct error *err)
{
	struct json_object *document = json_object_new_object();
	const char *slash = strrchr(name, '/');

	if (!document)
		return error_oom(err);
	json_object_object_add(document, "code-file",
			       json_object_new_string(slash ? slash + 1 : name));
	text_adds(out, json_object_to_json_string(document));
	json_object_put(document);
	return text_status(out) < 0 ? error_oom(err) : 0;
}

int document_read(const char *dir, const char *name, bool confined, struct text *out,
		  struct error *err)
{
	size_t start = out->len, len = strlen(name);
	int r;

	if (len > 2 && !strcmp(name + len - 2, ".c"))
		return source_document(name, out, err);
	r = file_read(dir, name, confined, BUNDLE_MAX, out, err);
	if (r == 0 && out->len - start > DOCUMENT_MAX &&
	    !image_is_elf(out->data + start, out->len - start))
		return error_set(err, -EFBIG, "%s: larger than the limit of %d bytes", name,
				 DOCUMENT_MAX);
	return r;
}

int document_load(const char *dir, const char *name, bool confined, struct document **ret,
		  struct error *err)
{
	struct code_sources sources = { .dir = dir, .confined = confined };
	_cleanup_free_ char *copy = strdup(name);
	_cleanup_text_ struct text bytes = {};
	const char *folder;
	int r;

	if (!copy)
		return error_oom(err);
	r = document_read(dir, name, confined, &bytes, err);
	if (r < 0)
		return r;
	folder = dirname(copy);
	sources.folder = strcmp(folder, ".") ? folder : NULL;
	r = document_parse_with(text_str(&bytes), bytes.len, &sources, ret, err);
	if (r < 0)
		return error_prefix(err, r, "%s%s%s", dir && name[0] != '/' ? dir : "",
				    dir && name[0] != '/' ? "/" : "", name);
	return 0;
}

int direction_config_add_metrics(struct direction_config *config, enum direction direction,
				 struct json_object *list, struct text *warnings, struct error *err)
{
	const struct json_key *key = direction_keys;
	struct json_reader reader = { .warnings = warnings, .err = err };
	int r;

	while (strcmp(key->name, "metric-configs") != 0)
		key++;
	reader.key = key;
	text_printf(&reader.where, "%s.metric-configs", direction_key(direction));
	r = key->parse(&reader, list, (char *)config + key->offset);
	text_release(&reader.where);
	if (r < 0)
		return r;
	config->has_list = true;
	return json_object_object_add(config->json, "metric-configs", json_object_get(list)) < 0
		       ? error_oom(err)
		       : 0;
}

struct direction_config *direction_config_ref(struct direction_config *config)
{
	if (config)
		__atomic_add_fetch(&config->refs, 1, __ATOMIC_RELAXED);
	return config;
}

struct direction_config *direction_config_unref(struct direction_config *config)
{
	if (!config || __atomic_sub_fetch(&config->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	for (size_t i = 0; i < config->n_metrics; i++)
		metric_config_release(&config->metrics[i]);
	free(config->metrics);
	presets_release(&config->presets);
	free(config->name);
	free(config->origin);
	free(config->program);
	text_release(&config->source);
	text_release(&config->object);
	json_object_put(config->json);
	free(config);
	return NULL;
}

void document_leave(struct document *document, const bool leave[N_DIRECTIONS])
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (leave[direction])
			document->directions[direction] =
				direction_config_unref(document->directions[direction]);
}

int document_assign(struct document *document, char *const *assignments, size_t n,
		    struct error *err)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		struct direction_config *config = document->directions[direction];

		for (size_t i = 0; config && i < n; i++)
			if (presets_assign(&config->presets, assignments[i]) < 0)
				return error_oom(err);
	}
	return 0;
}

struct document *document_free(struct document *document)
{
	if (!document)
		return NULL;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		direction_config_unref(document->directions[direction]);
	free(document->name);
	json_object_put(document->json);
	text_release(&document->warnings);
	free(document);
	return NULL;
}
