/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/document.h"
#include "base/file.h"
#include "base/image.h"
#include "dataplane/bundle.h"
#include "dataplane/json_reader.h"

#include <errno.h>
#include <json-c/json.h>
#include <libgen.h>
#include <strings.h>

static const char *const direction_names[N_DIRECTIONS] = { "ingress", "egress" };
const char *direction_name(enum direction direction)
{
	return direction_names[direction];
}

int direction_from_name(const char *name)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (!strcasecmp(name, direction_names[direction]))
			return direction;
	return -1;
}

static int take_metrics(struct json_reader *json_reader, struct json_object *value, void *to)
{
	struct direction_config *direction = to;
	int r = json_reader_list(json_reader, value, METRICS_MAX, sizeof(*direction->metrics),
				 take_metric_config, (void **)&direction->metrics,
				 &direction->n_metrics);

	for (size_t i = 0; r == 0 && i < direction->n_metrics; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(direction->metrics[i].name, direction->metrics[j].name))
				return error_set(
					json_reader->err, -EINVAL,
					"%s[%zu].name: \"%s\" is the name of [%zu] already",
					text_str(&json_reader->where), i,
					direction->metrics[i].name, j);
	return r;
}

/* Rejects a second key with code. Each of these keys sets source or object. */
static int code_alone(struct json_reader *json_reader, const struct direction_config *direction)
{
	if (direction->source.len || direction->object.len)
		return error_set(
			json_reader->err, -EINVAL,
			"%s: only one of code, code-file, object and object-data may be given",
			text_str(&json_reader->where));
	return 0;
}

static int take_code(struct json_reader *json_reader, struct json_object *value, void *to)
{
	struct direction_config *direction = to;
	_cleanup_free_ char *code = NULL;
	int r = take_bounded(json_reader, value, CODE_MAX, &code);

	if (r == 0)
		r = code_alone(json_reader, direction);
	if (r < 0)
		return r;
	if (!*code)
		return json_reader_wrong(json_reader, "C source", value);
	text_adds(&direction->source, code);
	direction->origin = strdup(text_str(&json_reader->where));
	return direction->origin && text_status(&direction->source) == 0
		       ? 0
		       : error_oom(json_reader->err);
}

static int take_file(struct json_reader *json_reader, struct json_object *value,
		     struct direction_config *direction, struct text *to, size_t max)
{
	_cleanup_free_ char *name = NULL, *full = NULL;
	int r = take_name(json_reader, value, &name);

	if (r == 0)
		r = code_alone(json_reader, direction);
	if (r < 0)
		return r;
	if (json_reader->folder && name[0] != '/' &&
	    asprintf(&full, "%s/%s", json_reader->folder, name) < 0) {
		full = NULL;
		return error_oom(json_reader->err);
	}
	r = file_read(json_reader->dir, full ? full : name, json_reader->confined, max, to,
		      json_reader->err);
	if (r < 0)
		return error_prefix(json_reader->err, r, "%s", text_str(&json_reader->where));
	if (!to->len)
		return error_set(json_reader->err, -EINVAL, "%s: the file \"%s\" is empty",
				 text_str(&json_reader->where), name);
	direction->origin = steal_ptr(&name);
	return 0;
}

static int take_code_file(struct json_reader *json_reader, struct json_object *value, void *to)
{
	struct direction_config *direction = to;

	return take_file(json_reader, value, direction, &direction->source, CODE_MAX);
}

static int take_object_file(struct json_reader *json_reader, struct json_object *value, void *to)
{
	struct direction_config *direction = to;

	return take_file(json_reader, value, direction, &direction->object, OBJECT_MAX);
}

static int take_object_data(struct json_reader *json_reader, struct json_object *value, void *to)
{
	struct direction_config *direction = to;
	int r = code_alone(json_reader, direction);

	if (r < 0)
		return r;
	if (!json_object_is_type(value, json_type_string) ||
	    base64_decode(json_object_get_string(value), (size_t)json_object_get_string_len(value),
			  &direction->object) < 0 ||
	    !direction->object.len)
		return json_reader_wrong(json_reader, "an ELF object in base64", value);
	direction->origin = strdup(text_str(&json_reader->where));
	return direction->origin ? 0 : error_oom(json_reader->err);
}

/* Reads the key "object" of a bundle, which tells the part of the file that is the object. */
static int take_object_section(struct json_reader *json_reader, struct json_object *value, void *to)
{
	struct direction_config *direction = to;
	_cleanup_free_ char *name = NULL;
	const char *bytes = json_reader->image->bytes;
	size_t len = json_reader->image->len;
	int r = take_name(json_reader, value, &name);

	if (r < 0)
		return r;
	if (strcmp(name, BUNDLE_SELF) != 0 && strcmp(name, BUNDLE_SECOND) != 0)
		return json_reader_wrong(json_reader,
					 "\"" BUNDLE_SELF "\" or \"" BUNDLE_SECOND "\"", value);
	if (strcmp(name, BUNDLE_SELF) != 0) {
		r = image_find_section(json_reader->image, name, &bytes, &len, json_reader->err);
		if (r == 0 || (r > 0 && !image_is_elf(bytes, len)))
			r = error_set(json_reader->err, -EINVAL, "no ELF object is in section %s",
				      name);
		if (r > 0 && len > OBJECT_MAX)
			r = error_set(json_reader->err, -EFBIG,
				      "%zu bytes, at most %d are possible", len, OBJECT_MAX);
	}
	if (r < 0)
		return error_prefix(json_reader->err, r, "%s", text_str(&json_reader->where));
	text_add(&direction->object, bytes, len);
	direction->origin = strdup(text_str(&json_reader->where));
	return direction->origin && text_status(&direction->object) == 0
		       ? 0
		       : error_oom(json_reader->err);
}

static int document_take_direction(struct json_reader *json_reader, struct json_object *value,
				   void *to)
{
	static const struct key bundle_keys[] = {
		{ "name", take_string, offsetof(struct direction_config, name), false },
		{ "object", take_object_section, 0, true },
		{ "program", take_name, offsetof(struct direction_config, program), false },
		{ "metric-configs", take_metrics, 0, false },
		{},
	};
	static const struct key keys[] = {
		{ "name", take_string, offsetof(struct direction_config, name), false },
		{ "code", take_code, 0, false },
		{ "code-file", take_code_file, 0, false },
		{ "object", take_object_file, 0, false },
		{ "object-data", take_object_data, 0, false },
		{ "program", take_name, offsetof(struct direction_config, program), false },
		{ "metric-configs", take_metrics, 0, false },
		{},
	};
	_cleanup_(direction_config_unrefp) struct direction_config *direction = NULL;
	int r;

	if (!json_object_is_type(value, json_type_object))
		return json_reader_wrong(json_reader, "an object", value);
	if (!json_object_object_length(value))
		return 0; /* {} leaves the direction unchanged */
	direction = calloc(1, sizeof(*direction));
	if (!direction)
		return error_oom(json_reader->err);
	direction->refs = 1;
	if (json_object_deep_copy(value, &direction->json, NULL) < 0)
		return error_oom(json_reader->err);
	r = json_reader_object(json_reader, value, json_reader->image ? bundle_keys : keys,
			       direction);
	if (r < 0)
		return r;
	if (!direction->origin)
		return error_set(
			json_reader->err, -ENODATA,
			"%s: the code is missing: one of code, code-file, object, object-data",
			text_str(&json_reader->where));
	*(struct direction_config **)to = steal_ptr(&direction);
	return 0;
}

/* Documents of Polycube have this key. It has no effect. */
static int take_unused_name(struct json_reader *json_reader, struct json_object *value, void *to)
{
	_cleanup_free_ char *name = NULL;

	(void)to;
	return take_string(json_reader, value, &name);
}

static int document_json_reader(struct document *document, struct json_reader *json_reader)
{
	const struct key keys[] = {
		{ "ingress-path", document_take_direction,
		  offsetof(struct document, directions[INGRESS]), false },
		{ "egress-path", document_take_direction,
		  offsetof(struct document, directions[EGRESS]), false },
		{ "name", take_unused_name, 0, false },
		/* A NULL name ends the table: the key is valid only in ELF files. */
		{ json_reader->image ? "bundle" : NULL, bundle_take_about, 0, false },
		{},
	};
	int r = json_reader_object(json_reader, document->json, keys, document);

	text_release(&json_reader->where);
	return r;
}

static int parse(const char *bytes, size_t len, struct json_reader *json_reader,
		 struct document **ret)
{
	_cleanup_document_ struct document *document = calloc(1, sizeof(*document));
	bool elf = image_is_elf(bytes, len);
	size_t max = elf ? BUNDLE_MAX : DOCUMENT_MAX;
	struct error *err = json_reader->err;
	struct image image;
	int r = 0;

	if (!document)
		return error_oom(err);
	if (len > max)
		return error_set(err, -EFBIG, "the %s has %zu bytes, at most %zu are possible",
				 elf ? "bundle" : "document", len, max);
	if (elf)
		r = image_init(&image, bytes, len, err);
	if (r == 0)
		r = elf ? bundle_read(&image, document, err)
			: json_reader_parse(bytes, len, &document->json, err);
	json_reader->image = elf ? &image : NULL;
	json_reader->warnings = &document->warnings;
	if (r == 0)
		r = document_json_reader(document, json_reader);
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
	struct json_reader json_reader = { .dir = dir, .confined = confined, .err = err };

	return parse(bytes, len, &json_reader, ret);
}

int document_read(const char *dir, const char *name, bool confined, struct text *out,
		  struct error *err)
{
	size_t start = out->len;
	int r = file_read(dir, name, confined, BUNDLE_MAX, out, err);

	if (r == 0 && out->len - start > DOCUMENT_MAX &&
	    !image_is_elf(out->data + start, out->len - start))
		return error_set(err, -EFBIG, "%s: larger than the limit of %d bytes", name,
				 DOCUMENT_MAX);
	return r;
}

int document_load(const char *dir, const char *name, bool confined, struct document **ret,
		  struct error *err)
{
	_cleanup_free_ char *copy = strdup(name);
	_cleanup_text_ struct text bytes = {};
	struct json_reader json_reader = { .dir = dir, .confined = confined, .err = err };
	const char *folder;
	int r;

	if (!copy)
		return error_oom(err);
	r = document_read(dir, name, confined, &bytes, err);
	if (r < 0)
		return r;
	folder = dirname(copy);
	json_reader.folder = strcmp(folder, ".") ? folder : NULL;
	r = parse(text_str(&bytes), bytes.len, &json_reader, ret);
	if (r < 0)
		return error_prefix(err, r, "%s%s%s", dir && name[0] != '/' ? dir : "",
				    dir && name[0] != '/' ? "/" : "", name);
	return 0;
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

struct document *document_free(struct document *document)
{
	if (!document)
		return NULL;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		direction_config_unref(document->directions[direction]);
	json_object_put(document->json);
	text_release(&document->warnings);
	free(document);
	return NULL;
}
