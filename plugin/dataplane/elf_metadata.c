/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/elf_metadata.h"
#include "base/btf_check.h"
#include "base/direction.h"
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

static enum kind program_kind(const struct image_program *program)
{
	static const struct {
		const char *section;
		enum kind kind;
	} kinds[] = {
		{ "xdp", KIND_XDP },
		{ "tc", KIND_TC },
		{ "tcx", KIND_TC },
		{ "classifier", KIND_TC },
	};
	const char *section = program->section + (*program->section == '?');
	size_t len = strcspn(section, "/.");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].section) == len && !strncmp(section, kinds[i].section, len))
			return kinds[i].kind;
	return KIND_OTHER;
}

/* Returns true if the program runs only if a document names it, or if another program calls it. */
static bool is_optional(const struct image *image, const struct image_program *program)
{
	return *program->section == '?' || image_is_referenced(image, program->name);
}

static enum direction program_direction(const struct image_program *program)
{
	const char *slash = strchr(program->section, '/');

	return slash && !strcmp(slash, "/egress") && program_kind(program) == KIND_TC ? EGRESS
										      : INGRESS;
}

int elf_metadata_hooks(const struct image *image, const char *name, bool *tc, bool *xdp,
		       struct error *err)
{
	struct image_program programs[IMAGE_PROGRAMS_MAX];
	size_t n = 0;
	int r = image_list_programs(image, programs, &n, err);

	*tc = *xdp = false;
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (program_direction(&programs[i]) != INGRESS ||
		    (name ? strcmp(programs[i].name, name) != 0 : is_optional(image, &programs[i])))
			continue;
		*tc = *tc || program_kind(&programs[i]) == KIND_TC;
		*xdp = *xdp || program_kind(&programs[i]) == KIND_XDP;
	}
	return r;
}

/* Adds each direction for which the object has a program. */
static int add_directions(struct json_object *document, const struct image *image,
			  struct error *err)
{
	struct image_program programs[IMAGE_PROGRAMS_MAX];
	size_t n;
	int r = image_list_programs(image, programs, &n, err);

	if (r < 0)
		return r;
	if (!n)
		return error_set(err, -EINVAL, "there is no program in the object");
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		_cleanup_text_ struct text names = {};
		size_t kinds[KIND_COUNT] = {}, all = 0;
		const char *name = NULL;
		struct json_object *json;

		for (size_t i = 0; i < n; i++) {
			if (program_direction(&programs[i]) != direction ||
			    is_optional(image, &programs[i]))
				continue;
			kinds[program_kind(&programs[i])]++;
			name = programs[i].name;
			text_printf(&names, "%s%.80s (SEC \"%.80s\")", all++ ? ", " : "", name,
				    programs[i].section);
		}
		if (!all)
			continue;
		if (kinds[KIND_TC] > 1 || kinds[KIND_XDP] > 1)
			return error_set(err, -EINVAL,
					 "several programs fit the %s direction: %s: write a "
					 "document that selects one with \"program\"",
					 direction_name(direction), text_str(&names));
		json = json_object_new_object();
		if (!json)
			return error_oom(err);
		json_object_object_add(document, direction_key(direction), json);
		json_object_object_add(json, "object", json_object_new_string(BUNDLE_SELF));
		/* With one program for tc and one for XDP, the hook selects the program. */
		if (all == 1)
			json_object_object_add(json, "program", json_object_new_string(name));
	}
	return 0;
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
static int count_bytes(struct tags *tags, size_t bytes, struct error *err)
{
	tags->bytes += bytes;
	if (tags->bytes > DOCUMENT_MAX)
		return error_set(err, -EFBIG,
				 "the tags of the object have more than %d bytes of JSON, which is "
				 "the limit of a document",
				 DOCUMENT_MAX);
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
		const struct btf_type *type = btf__type_by_id(btf, id), *var;
		struct json_object *json = NULL;
		const char *map, *text;
		size_t len;
		int r;

		if (!type || !btf_is_decl_tag(type) || btf_decl_tag(type)->component_idx != -1)
			continue;
		text = btf_name(btf, type->name_off);
		var = btf__type_by_id(btf, type->type);
		if (!var || !btf_is_var(var) || strncmp(text, TAG, strlen(TAG)) != 0)
			continue;
		map = btf_name(btf, var->name_off);
		text += strlen(TAG);
		len = strnlen(text, TAG_MAX_BYTES + 1);
		if (tags->n == TAGS_MAX)
			return error_set(err, -EFBIG,
					 "the object has more than %d tags \"" TAG "...\"",
					 TAGS_MAX);
		if (len > TAG_MAX_BYTES)
			return error_set(err, -EFBIG,
					 "map %.80s: a tag \"" TAG "...\" of more than %d bytes",
					 map, TAG_MAX_BYTES);
		r = count_bytes(tags, len, err);
		if (r == 0)
			r = json_reader_parse(text, len, &json, err);
		if (r < 0)
			return error_prefix(err, r, "map %.80s: tag \"" TAG "%.60s%s\"", map, text,
					    len > 60 ? "..." : "");
		if (!json_object_is_type(json, json_type_object)) {
			json_object_put(json);
			return error_set(err, -EINVAL,
					 "map %.80s: tag \"" TAG "\": expected a JSON object, "
					 "found \"%.60s\"",
					 map, text);
		}
		tags->tags[tags->n++] = (struct tag){ map, len, json };
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

static bool is_metric(const struct tag *tag)
{
	return json_object_object_get(tag->json, "name");
}

/* Merges the tags that apply to all metrics of a map into one metric of the map. */
static int merge_shared_tags(struct tags *tags, const struct tag *metric, struct error *err)
{
	static const char metadata[] = "open-metrics-metadata";

	for (size_t i = 0; i < tags->n; i++) {
		const struct tag *tag = &tags->tags[i];
		_cleanup_(json_object_putp) struct json_object *copy = NULL;
		int r;

		if (is_metric(tag) || strcmp(tag->map, metric->map) != 0)
			continue;
		r = count_bytes(tags, tag->len, err);
		if (r < 0)
			return r;
		if (json_object_deep_copy(tag->json, &copy, NULL) < 0)
			return error_oom(err);
		/* Labels of the map must not make the metric an exported one. */
		if (!json_object_object_get(metric->json, metadata))
			json_object_object_del(copy, metadata);
		if (merge(metric->json, copy) < 0)
			return error_oom(err);
	}
	return 0;
}

/*
 * Finds the direction of a metric: that of its key "direction", which is removed, or else the
 * default.
 */
static int metric_direction(struct json_object *document, enum direction by_default,
			    struct tag *tag, struct json_object **ret, struct error *err)
{
	struct json_object *wanted = json_object_object_get(tag->json, "direction");
	int direction = wanted ? -1 : (int)by_default;

	if (json_object_is_type(wanted, json_type_string))
		direction = direction_from_name(json_object_get_string(wanted));
	if (direction < 0)
		return error_set(err, -EINVAL,
				 "map %.80s: direction: expected ingress or egress, found %.60s",
				 tag->map, json_object_to_json_string(wanted));
	*ret = json_object_object_get(document, direction_key(direction));
	if (!*ret)
		return error_set(err, -EINVAL,
				 "map %.80s: the metric is for the %s direction, for which the "
				 "object has no program",
				 tag->map, direction_name(direction));
	json_object_object_del(tag->json, "direction");
	return 0;
}

static int add_metric(struct json_object *document, enum direction by_default, struct tags *tags,
		      struct tag *tag, struct error *err)
{
	struct json_object *direction, *list;
	int r = merge_shared_tags(tags, tag, err);

	if (r == 0)
		r = metric_direction(document, by_default, tag, &direction, err);
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
static int check_shared_tag(const struct tags *tags, const struct tag *tag, struct error *err)
{
	for (size_t i = 0; i < tags->n; i++)
		if (is_metric(&tags->tags[i]) && !strcmp(tags->tags[i].map, tag->map))
			return 0;
	return error_set(err, -EINVAL,
			 "map %.80s: a tag \"" TAG "%.60s\" has no \"name\", and no other tag "
			 "defines a metric of this map",
			 tag->map, json_object_to_json_string(tag->json));
}

/*
 * Adds the metrics to the directions of the document. Leaves *n unchanged if the object has no BTF
 * and thus no tags.
 */
static int add_metrics(struct json_object *document, enum direction by_default,
		       const struct image *image, size_t *n, struct error *err)
{
	_cleanup_(tags_release) struct tags tags = { calloc(TAGS_MAX, sizeof(*tags.tags)) };
	_cleanup_(btf__freep) struct btf *btf = NULL;
	const char *bytes;
	size_t len;
	int r = image_find_section(image, ".BTF", &bytes, &len, err);

	if (r <= 0)
		return r;
	if (!tags.tags)
		return error_oom(err);
	/* libbpf does not validate ids and offsets, so forged BTF could crash it. */
	r = btf_check(bytes, len, NULL, err);
	if (r < 0)
		return error_prefix(err, r, "the ELF object is damaged: section .BTF");
	btf = btf__new(bytes, (uint32_t)len);
	r = (int)libbpf_get_error(btf);
	if (r < 0) {
		btf = NULL;
		return error_set(err, -EINVAL,
				 "the ELF object is damaged: section .BTF, %zu bytes: %s", len,
				 strerror(-r));
	}
	r = tags_collect(&tags, btf, err);
	for (size_t i = 0; r == 0 && i < tags.n; i++)
		r = is_metric(&tags.tags[i])
			    ? add_metric(document, by_default, &tags, &tags.tags[i], err)
			    : check_shared_tag(&tags, &tags.tags[i], err);
	*n = tags.n;
	return r;
}

int elf_metadata_directions(const struct image *image, bool has[N_DIRECTIONS], struct error *err)
{
	struct image_program programs[IMAGE_PROGRAMS_MAX];
	size_t n = 0;
	int r = image_list_programs(image, programs, &n, err);

	has[INGRESS] = has[EGRESS] = false;
	for (size_t i = 0; r == 0 && i < n; i++)
		has[program_direction(&programs[i])] = true;
	return r;
}

int elf_metadata_metrics(const struct image *image, enum direction direction,
			 enum direction by_default, struct json_object **ret, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *document = json_object_new_object();
	size_t n = 0;
	int r;

	if (!document)
		return error_oom(err);
	for (enum direction i = 0; i < N_DIRECTIONS; i++)
		if (json_object_object_add(document, direction_key(i), json_object_new_object()) <
		    0)
			return error_oom(err);
	r = add_metrics(document, by_default, image, &n, err);
	if (r < 0)
		return r;
	*ret = json_object_get(json_object_object_get(
		json_object_object_get(document, direction_key(direction)), "metric-configs"));
	return 0;
}

int elf_metadata_document(const struct image *image, struct json_object **ret,
			  struct text *warnings, struct error *err)
{
	const char *bytes;
	size_t len, n_tags = 0;
	int r = image_find_section(image, BUNDLE_SECTION, &bytes, &len, err);

	if (r == 0) {
		if (image->len > OBJECT_MAX)
			return error_set(err, -EFBIG,
					 "the object has %zu bytes, at most %d are possible",
					 image->len, OBJECT_MAX);
		*ret = json_object_new_object();
		if (!*ret)
			return error_oom(err);
		r = add_directions(*ret, image, err);
		if (r == 0)
			r = add_metrics(*ret,
					json_object_object_get(*ret, direction_key(INGRESS))
						? INGRESS
						: EGRESS,
					image, &n_tags, err);
		if (r == 0 && !n_tags)
			text_printf(warnings, "the object runs without metrics: it has %s\n",
				    image_find_section(image, ".BTF", &bytes, &len, NULL) == 0
					    ? "no BTF: compile it with -g"
					    : "neither a document (section " BUNDLE_SECTION
					      ") nor tags \"" TAG "...\"");
		return r;
	}
	if (r > 0 && len > DOCUMENT_MAX)
		r = error_set(err, -EFBIG, "%zu bytes, at most %d are possible", len, DOCUMENT_MAX);
	if (r > 0)
		r = json_reader_parse(bytes, len, ret, err);
	if (r == 0 && !json_object_object_get(*ret, "bundle"))
		r = error_set(err, -ENODATA, "the key \"bundle\" is missing");
	return r < 0 ? error_prefix(err, r, "section " BUNDLE_SECTION) : 0;
}
