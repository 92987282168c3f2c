/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/elf_metadata.h"
#include "base/btf_check.h"
#include "dataplane/bundle.h"
#include "dataplane/document.h"
#include "dataplane/json_reader.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <json-c/json.h>
#include <linux/btf.h>
#include <string.h>

#define TAG "dynmon:metric="

DEFINE_CLEANUP(struct json_object *, json_object_put);
DEFINE_CLEANUP(struct btf *, btf__free);

/* -- directions, from the sections of the programs -- */

enum kind { KIND_TC, KIND_XDP, KIND_OTHER, KIND_COUNT };

static bool is_section(const char *section, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(section, name, len) &&
	       (!section[len] || section[len] == '/' || section[len] == '.');
}

static enum kind kind_of(const char *section)
{
	if (is_section(section, "xdp"))
		return KIND_XDP;
	return is_section(section, "tc") || is_section(section, "tcx") ||
			       is_section(section, "classifier")
		       ? KIND_TC
		       : KIND_OTHER;
}

static enum direction elf_metadata_direction_of(const struct image_program *program)
{
	const char *slash = strchr(program->section, '/');

	return kind_of(program->section) == KIND_TC && slash && !strcmp(slash, "/egress") ? EGRESS
											  : INGRESS;
}

int elf_metadata_hooks(const struct image *image, const char *name, bool *tc, bool *xdp,
		       struct error *err)
{
	struct image_program *programs = calloc(IMAGE_PROGRAMS_MAX, sizeof(*programs));
	size_t n = 0;
	int r = programs ? image_list_programs(image, programs, &n, err) : error_oom(err);

	*tc = *xdp = false;
	for (size_t i = 0; r == 0 && i < n; i++) {
		enum kind kind = kind_of(programs[i].section);

		if (elf_metadata_direction_of(&programs[i]) != INGRESS ||
		    (name && strcmp(programs[i].name, name) != 0))
			continue;
		*tc = *tc || kind == KIND_TC;
		*xdp = *xdp || kind == KIND_XDP;
	}
	free(programs);
	return r;
}

/* The programs of one direction. */
struct candidates {
	size_t n[KIND_COUNT]; /* number of each kind */
	size_t all;
	const char *name;  /* of the last program, borrowed from the image */
	struct text names; /* of all programs, for messages */
};

static int several(struct candidates *candidates, enum direction direction, struct error *err)
{
	return error_set(
		err, -EINVAL,
		"several programs fit the %s direction, and only a document can name one of "
		"them: %s",
		direction_name(direction), text_str(&candidates->names));
}

/* Adds the direction to the document if a program for the direction exists. */
static int elf_metadata_add_direction(struct json_object *document, struct candidates *candidates,
				      enum direction direction, struct error *err)
{
	struct json_object *json;

	if (!candidates->all)
		return 0;
	if (candidates->n[KIND_TC] > 1 || candidates->n[KIND_XDP] > 1)
		return several(candidates, direction, err);
	json = json_object_new_object();
	if (!json)
		return error_oom(err);
	json_object_object_add(document, bundle_direction_key(direction), json);
	json_object_object_add(json, "object", json_object_new_string(BUNDLE_SELF));
	/* With one program for tc and one for XDP, the hook selects the program. */
	if (candidates->all == 1)
		json_object_object_add(json, "program", json_object_new_string(candidates->name));
	return 0;
}

static int add_directions(struct json_object *document, const struct image *image,
			  struct error *err)
{
	struct candidates candidates[N_DIRECTIONS] = {};
	struct image_program *programs = calloc(IMAGE_PROGRAMS_MAX, sizeof(*programs));
	size_t n = 0;
	int r = programs ? image_list_programs(image, programs, &n, err) : error_oom(err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct candidates *to = &candidates[elf_metadata_direction_of(&programs[i])];

		to->n[kind_of(programs[i].section)]++;
		to->name = programs[i].name;
		text_printf(&to->names, "%s%.80s (SEC \"%.80s\")", to->all++ ? ", " : "",
			    programs[i].name, programs[i].section);
	}
	if (r == 0 && !n)
		r = error_set(err, -EINVAL, "there is no program in the object");
	for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++)
		r = elf_metadata_add_direction(document, &candidates[direction], direction, err);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		text_release(&candidates[direction].names);
	free(programs);
	return r;
}

/* -- metrics, from the tags of the maps -- */

/* A tag with the key "name" is a metric. Other tags apply to all metrics of their map. */
struct tag {
	const char *map; /* borrowed from the BTF */
	size_t len;	 /* bytes of JSON text, counted in the limit */
	struct json_object *json;
};

struct tags {
	struct tag *tags;
	size_t n;
	size_t bytes; /* sum of JSON bytes, counted again for each use of a tag */
};

static void tags_release(struct tags *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		json_object_put(tags->tags[i].json);
	free(tags->tags);
}

/* Counts bytes of JSON; their sum is limited like the size of a document. */
static int budget_take(struct tags *tags, size_t bytes, struct error *err)
{
	tags->bytes += bytes;
	if (tags->bytes > DOCUMENT_MAX)
		return error_set(err, -EFBIG,
				 "the tags of the object are more than %d bytes of JSON, which is "
				 "the limit of a document",
				 DOCUMENT_MAX);
	return 0;
}

static int tag_add(struct tags *tags, const char *map, const char *text, struct error *err)
{
	size_t len = strnlen(text, TAG_MAX_BYTES + 1);
	struct json_object *json = NULL;
	int r;

	if (tags->n == TAGS_MAX)
		return error_set(err, -EFBIG, "the object has more than %d tags \"" TAG "...\"",
				 TAGS_MAX);
	if (len > TAG_MAX_BYTES)
		return error_set(err, -EFBIG,
				 "map %.80s: a tag \"" TAG "...\" of more than %d bytes", map,
				 TAG_MAX_BYTES);
	r = budget_take(tags, len, err);
	if (r == 0)
		r = json_reader_parse(text, len, &json, err);
	if (r < 0)
		return error_prefix(err, r, "map %.80s: tag \"" TAG "%.60s%s\"", map, text,
				    len > 60 ? "..." : "");
	if (!json_object_is_type(json, json_type_object)) {
		json_object_put(json);
		return error_set(err, -EINVAL,
				 "map %.80s: tag \"" TAG "\": expected a JSON object, found "
				 "\"%.60s\"",
				 map, text);
	}
	tags->tags[tags->n++] = (struct tag){ map, len, json };
	return 0;
}

static const char *btf_name(const struct btf *btf, uint32_t offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

static int tags_collect(struct tags *tags, const struct btf *btf, struct error *err)
{
	for (uint32_t id = 1, n = btf__type_cnt(btf); id < n; id++) {
		const struct btf_type *tag = btf__type_by_id(btf, id), *var;
		const char *text;
		int r;

		if (!tag || !btf_is_decl_tag(tag) || btf_decl_tag(tag)->component_idx != -1)
			continue;
		text = btf_name(btf, tag->name_off);
		var = btf__type_by_id(btf, tag->type);
		if (!var || !btf_is_var(var) || strncmp(text, TAG, strlen(TAG)) != 0)
			continue;
		r = tag_add(tags, btf_name(btf, var->name_off), text + strlen(TAG), err);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Merges from into to: objects are merged, lists are concatenated and other values are replaced.
 * The recursion is bounded by the depth limit of the parser.
 */
static int merge(struct json_object *to, struct json_object *from)
{
	json_object_object_foreach(from, key, value) {
		struct json_object *had = json_object_object_get(to, key);
		int r = 0;

		if (json_object_is_type(had, json_type_object) &&
		    json_object_is_type(value, json_type_object))
			r = merge(had, value);
		else if (json_object_is_type(had, json_type_array) &&
			 json_object_is_type(value, json_type_array))
			for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++)
				r = json_object_array_add(
					had, json_object_get(json_object_array_get_idx(value, i)));
		else
			r = json_object_object_add(to, key, json_object_get(value));
		if (r < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Merges a tag that applies to all metrics of its map into one metric. */
static int elf_metadata_apply(struct json_object *metric, const struct tag *tag)
{
	static const char metadata[] = "open-metrics-metadata";
	struct json_object *copy = NULL;
	int r;

	if (json_object_deep_copy(tag->json, &copy, NULL) < 0)
		return -ENOMEM;
	/* Labels of the map must not make the metric an exported one. */
	if (!json_object_object_get(metric, metadata))
		json_object_object_del(copy, metadata);
	r = merge(metric, copy);
	json_object_put(copy);
	return r;
}

static bool is_metric(const struct tag *tag)
{
	return json_object_object_get(tag->json, "name");
}

/*
 * Finds the direction of a metric: that of its key "direction", which is removed, or else the first
 * direction of the document.
 */
static int metric_direction(struct json_object *document, struct tag *tag, struct json_object **ret,
			    struct error *err)
{
	struct json_object *wanted = json_object_object_get(tag->json, "direction");
	const char *word =
		json_object_is_type(wanted, json_type_string) ? json_object_get_string(wanted) : "";
	int direction = direction_from_name(word);

	if (wanted && direction < 0)
		return error_set(err, -EINVAL,
				 "map %.80s: direction: expected ingress or egress, found %.60s",
				 tag->map, json_object_to_json_string(wanted));
	if (!wanted)
		direction = json_object_object_get(document, bundle_direction_key(INGRESS))
				    ? INGRESS
				    : EGRESS;
	*ret = json_object_object_get(document, bundle_direction_key(direction));
	if (!*ret)
		return error_set(err, -EINVAL,
				 "map %.80s: its metric is for the %s direction, and no program is",
				 tag->map, direction_name(direction));
	json_object_object_del(tag->json, "direction");
	return 0;
}

static int elf_metadata_add_metric(struct json_object *document, struct tags *tags, struct tag *tag,
				   struct error *err)
{
	struct json_object *direction, *list;
	int r = 0;

	for (size_t i = 0; r == 0 && i < tags->n; i++) {
		const struct tag *more = &tags->tags[i];

		if (is_metric(more) || strcmp(more->map, tag->map) != 0)
			continue;
		r = budget_take(tags, more->len, err);
		if (r == 0 && elf_metadata_apply(tag->json, more) < 0)
			r = error_oom(err);
	}
	if (r == 0)
		r = metric_direction(document, tag, &direction, err);
	if (r < 0)
		return r;
	json_object_object_add(tag->json, "map-name", json_object_new_string(tag->map));
	list = json_object_object_get(direction, "metric-configs");
	if (!list) {
		list = json_object_new_array();
		if (!list || json_object_object_add(direction, "metric-configs", list) < 0)
			return error_oom(err);
	}
	return json_object_array_add(list, json_object_get(tag->json)) < 0 ? error_oom(err) : 0;
}

/* Rejects a tag without "name" whose map has no metric. */
static int check_stray(const struct tags *tags, const struct tag *tag, struct error *err)
{
	for (size_t i = 0; i < tags->n; i++)
		if (is_metric(&tags->tags[i]) && !strcmp(tags->tags[i].map, tag->map))
			return 0;
	return error_set(err, -EINVAL,
			 "map %.80s: a tag \"" TAG "%.60s\" has no \"name\", and no other tag "
			 "makes a metric of this map",
			 tag->map, json_object_to_json_string(tag->json));
}

static int elf_metadata_add_metrics(struct json_object *document, struct tags *tags,
				    struct error *err)
{
	for (size_t i = 0; i < tags->n; i++) {
		int r = is_metric(&tags->tags[i])
				? elf_metadata_add_metric(document, tags, &tags->tags[i], err)
				: check_stray(tags, &tags->tags[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Reads the BTF of an object. Returns 1 if *ret is set, 0 if the object has no BTF. */
static int btf_of(const struct image *image, struct btf **ret, struct error *err)
{
	const char *bytes;
	struct btf *btf;
	size_t len;
	int r = image_find_section(image, ".BTF", &bytes, &len, err);

	if (r <= 0)
		return r;
	/* libbpf does not validate ids and offsets, so forged BTF could crash it. */
	r = btf_check(bytes, len, NULL, err);
	if (r < 0)
		return error_prefix(err, r, "the ELF object is damaged: section .BTF");
	btf = btf__new(bytes, (uint32_t)len);
	if (libbpf_get_error(btf))
		return error_set(err, -EINVAL,
				 "the ELF object is damaged: section .BTF, %zu bytes: %s", len,
				 strerror(-(int)libbpf_get_error(btf)));
	*ret = btf;
	return 1;
}

int elf_metadata_document(const struct image *image, struct json_object **ret,
			  struct text *warnings, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *document = json_object_new_object();
	_cleanup_(tags_release) struct tags tags = { calloc(TAGS_MAX, sizeof(*tags.tags)) };
	_cleanup_(btf__freep) struct btf *btf = NULL;
	int r;

	if (!document || !tags.tags)
		return error_oom(err);
	r = add_directions(document, image, err);
	if (r == 0)
		r = btf_of(image, &btf, err);
	if (r > 0)
		r = tags_collect(&tags, btf, err);
	if (r == 0)
		r = elf_metadata_add_metrics(document, &tags, err);
	if (r < 0)
		return r;
	if (!tags.n)
		text_adds(warnings, "the object has neither a document (section " BUNDLE_SECTION
				    ") nor tags \"" TAG "...\": it runs, and has no metrics\n");
	*ret = steal_ptr(&document);
	return 0;
}
