/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/ebpf_exporter.h"
#include "base/file.h"
#include "ctl/converter.h"
#include "dataplane/document.h"
#include "kernel/map_type.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <float.h>
#include <json-c/json.h>

/* The types of buckets. */
static const struct {
	const char *name;
	const char *buckets; /* in the document; NULL: cannot be expressed */
	const char *remedy;
} bucket_types[] = {
	{ "exp2", "exp2" },
	{ "exp2zero", "exp2-zero" },
	{ "linear", "linear" },
	{ "fixed", NULL, "count in slots 0, 1, 2 ... and write a document with a list of bounds" },
};

/* Parts of a configuration, besides metrics. */
static const struct {
	const char *name;
	const char *remedy;
} other_parts[] = {
	{ "tracing", "spans are not metrics: remove this part, or count the events in a map" },
	{ "kaddrs", "addresses of symbols are not passed to the object: declare the symbol in the "
		    "code as \"extern const int NAME __ksym\"" },
	{ "cgroup_id_map", "the map is not filled with cgroups: count all cgroups, and select them "
			   "with a regexp of the label" },
};

/* Returns the buckets in the document, or NULL after a refusal. */
static const char *find_buckets(struct converter *converter, const yaml_node_t *metric)
{
	const char *type = converter_text(converter, metric, "bucket_type");

	for (size_t i = 0; i < ARRAY_SIZE(bucket_types); i++) {
		if (strcmp(bucket_types[i].name, type) != 0)
			continue;
		if (!bucket_types[i].buckets)
			converter_refuse(converter, metric,
					 "bucket_type \"%s\" is not supported: %s", type,
					 bucket_types[i].remedy);
		return bucket_types[i].buckets;
	}
	converter_refuse(converter, metric, "bucket_type \"%.60s\" is unknown", type);
	return NULL;
}

static void convert_histogram(struct converter *converter, const yaml_node_t *metric,
			      const struct field *slot)
{
	struct json_writer *json = &converter->json;
	const char *buckets = find_buckets(converter, metric);
	double scale = converter_number(converter, metric, "bucket_multiplier", 1, DBL_MAX);
	double last = converter_number(converter, metric, "bucket_max", 0, BUCKETS_MAX - 1);

	if (buckets && last < 1)
		converter_refuse(converter, metric, "bucket_max: expected a number from 1 to %d",
				 BUCKETS_MAX - 1);
	if (converter_number(converter, metric, "bucket_min", 0, BUCKETS_MAX - 1) > 0)
		converter_refuse(converter, metric,
				 "bucket_min is not supported: remove it, slots start at 0");
	if (buckets && !strcmp(buckets, "linear"))
		converter_hint(
			converter, metric,
			"slot %.0f is the sum of all measurements, as in ebpf_exporter; if the "
			"program stores no sum there, remove \"sum-slot\" from the document",
			last + 1);
	if (scale > 0 && scale != 1)
		json_member_double(json, "scale", scale);
	json_key(json, "histogram");
	json_object_begin(json);
	json_key(json, "bucket-field");
	converter_path(converter, slot);
	json_member_string(json, "buckets", buckets);
	json_member_u64(json, "slots", (uint64_t)last + 1);
	/* Programs also add a sum to an array that has no slot for it; the kernel drops that. */
	if (map_kind(converter->map.type) != MAP_ARRAY || converter->map.max_entries > last + 1)
		json_member_bool(json, "sum-slot", true);
	json_object_end(json);
}

static void convert_metadata(struct converter *converter, const yaml_node_t *metric, bool histogram)
{
	struct json_writer *json = &converter->json;
	const struct field *slot = NULL;
	bool cpus;

	json_key(json, "open-metrics-metadata");
	json_object_begin(json);
	json_member_string(json, "type", histogram ? "histogram" : "counter");
	json_member_string(json, "help", converter_text(converter, metric, "help"));
	cpus = converter_labels(converter, metric, histogram ? &slot : NULL);
	if (histogram)
		convert_histogram(converter, metric, slot);
	json_object_end(json);
	if (cpus)
		json_member_string(json, "per-cpu", "list");
}

/* Tests whether the values of a map are integers of 8 bytes. */
static bool has_count(const struct converter *converter, const struct object_map *map)
{
	struct field *fields = NULL;
	size_t n = 0;
	bool is_count;

	if (converter->map.value_size != sizeof(uint64_t) ||
	    fields_list(object_btf(converter->object), map->value_type, converter->map.value_size,
			"value", &fields, &n, NULL) < 0)
		return false;
	/* A struct with one member would give the family another name. */
	is_count = n == 1 && fields->numbers == 1 && !strcmp(fields->name, "value") &&
		   !plan_is_bits(&fields->plan);
	fields_free(fields, n);
	return is_count;
}

/*
 * Finds the map of a metric and the fields of its key. Returns 1, 0 after a
 * refusal, or -errno.
 */
static int find_map(struct converter *converter, const yaml_node_t *metric)
{
	const struct object_map *map = object_find_map(converter->object, converter->metric);
	int r;

	if (!map) {
		converter_refuse(converter, metric, "the object has no map of this name");
		return 0;
	}
	converter->map = object_map_shape(map);
	if (converter_is_true(converter, metric, "perf_event_array") ||
	    map_kind(converter->map.type) == MAP_UNREADABLE) {
		converter_refuse(converter, metric,
				 "a %s is not read: count the events in a hash of the program",
				 map_type_name(converter->map.type));
		return 0;
	}
	if (!has_count(converter, map)) {
		converter_refuse(converter, metric,
				 "a value of the map is not a single integer of 8 bytes, as "
				 "ebpf_exporter reads it");
		return 0;
	}
	r = fields_list(object_btf(converter->object), map->key_type, converter->map.key_size,
			"key", &converter->key, &converter->n_key, converter->err);
	return r < 0 ? r : 1;
}

static int convert_map_metric(struct converter *converter, const yaml_node_t *metric,
			      bool histogram)
{
	struct json_writer *json = &converter->json;
	_cleanup_text_ struct text name = {};
	int r;

	converter->metric = NULL;
	converter->metric = converter_text(converter, metric, "name");
	if (!*converter->metric)
		return 0;
	converter_check_keys(converter, metric,
			     histogram
				     ? "name help labels bucket_type bucket_multiplier bucket_min "
				       "bucket_max bucket_keys"
				     : "name help labels perf_event_array flush_interval");
	r = find_map(converter, metric);
	if (r <= 0)
		return r;
	text_printf(&name, "ebpf_exporter_%s", converter->metric);
	json_object_begin(json);
	json_member_name(json, "name", text_str(&name));
	json_member_name(json, "map-name", converter->metric);
	convert_metadata(converter, metric, histogram);
	json_object_end(json);
	fields_free(converter->key, converter->n_key);
	converter->key = NULL;
	converter->n_key = 0;
	return 0;
}

static int convert_list(struct converter *converter, const yaml_node_t *list, bool histogram)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < yaml_length(list); i++)
		r = convert_map_metric(converter, yaml_element(&converter->yaml, list, i),
				       histogram);
	converter->metric = NULL;
	return r;
}

/* Refuses programs that neither attach by their section nor run on a hook of an interface. */
static void check_programs(struct converter *converter, const yaml_node_t *metrics)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, converter->object->bpf)
		if (bpf_program__type(program) == BPF_PROG_TYPE_XDP)
			converter_hint(
				converter, metrics,
				"program %s: use \"Hook xdp\" and the interface of SEC(\"%s\")",
				bpf_program__name(program), bpf_program__section_name(program));
		else if (bpf_program__type(program) != BPF_PROG_TYPE_SCHED_CLS &&
			 !sections_only(converter->object->bpf, bpf_program__name(program)))
			converter_refuse(converter, metrics,
					 "program %s: a monitor does not attach to \"%s\"",
					 bpf_program__name(program),
					 bpf_program__section_name(program));
}

/* Writes the document. Objects of ebpf_exporter attach by section, or by XDP on ingress. */
static int convert(struct converter *converter, const char *object)
{
	const yaml_node_t *root = yaml_document_get_root_node(&converter->yaml);
	const yaml_node_t *metrics = yaml_member(&converter->yaml, root, "metrics");
	struct json_writer *json = &converter->json;
	int r;

	converter_check_keys(converter, root, "name metrics tracing kaddrs cgroup_id_map");
	for (size_t i = 0; i < ARRAY_SIZE(other_parts); i++) {
		const yaml_node_t *part = yaml_member(&converter->yaml, root, other_parts[i].name);

		if (part)
			converter_refuse(converter, part, "%s: %s", other_parts[i].name,
					 other_parts[i].remedy);
	}
	converter_check_keys(converter, metrics, "counters histograms");
	check_programs(converter, metrics);
	json_object_begin(json);
	json_key(json, "ingress-path");
	json_object_begin(json);
	json_member_name(json, "object", object);
	json_key(json, "metric-configs");
	json_array_begin(json);
	r = convert_list(converter, yaml_member(&converter->yaml, metrics, "counters"), false);
	if (r == 0)
		r = convert_list(converter, yaml_member(&converter->yaml, metrics, "histograms"),
				 true);
	json_array_end(json);
	json_object_end(json);
	json_object_end(json);
	return r;
}

/* -- files -- */

/* Opens the object, NAME.bpf.o for NAME.yaml by default, and returns its name in the document. */
static int converter_open(struct converter *converter, const char *name, struct text *ret)
{
	const char *slash = strrchr(converter->file, '/');
	const char *base = slash ? slash + 1 : converter->file, *dot = strrchr(base, '.');
	_cleanup_text_ struct text elf = {}, path = {};
	int r;

	text_printf(ret, "%.*s.bpf.o", (int)(dot ? dot - base : (long)strlen(base)), base);
	text_printf(&path, "%.*s%s", (int)(base - converter->file), converter->file, text_str(ret));
	if (name) {
		text_clear(ret);
		text_adds(ret, name);
	}
	name = name ? name : text_str(&path);
	r = file_read(NULL, name, false, OBJECT_MAX, &elf, converter->err);
	if (r < 0)
		return error_prefix(converter->err, r,
				    "import reads the names of the key's fields from the object; "
				    "compile it, or name it with --object");
	return object_open(elf.data, elf.len, name, &converter->object, converter->err);
}

/* Indents the JSON for readers who edit the document. */
static int pretty(struct text *json, struct text *out, struct error *err)
{
	struct json_object *root = json_tokener_parse(text_str(json));
	const char *text = root ? json_object_to_json_string_ext(
					  root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
							JSON_C_TO_STRING_NOSLASHESCAPE)
				: NULL;

	if (text)
		text_printf(out, "%s\n", text);
	json_object_put(root);
	return !text || text_status(out) < 0 ? error_oom(err) : 0;
}

static int convert_file(struct converter *converter, const char *object, struct text *out)
{
	_cleanup_text_ struct text bytes = {}, name = {};
	int r = file_read(NULL, converter->file, false, DOCUMENT_MAX, &bytes, converter->err);

	if (r == 0)
		r = converter_open(converter, object, &name);
	if (r < 0)
		return r;
	r = yaml_init(&converter->yaml, bytes.data, bytes.len, converter->err);
	if (r < 0)
		return error_prefix(converter->err, r, "%s", converter->file);
	r = convert(converter, text_str(&name));
	yaml_document_delete(&converter->yaml);
	if (r == 0 && converter->n_refusals)
		r = error_set(converter->err, -EINVAL, "%s: %zu part%s cannot be converted:%s",
			      converter->file, converter->n_refusals,
			      converter->n_refusals > 1 ? "s" : "", text_str(&converter->refusals));
	return r < 0 ? r : pretty(converter->json.out, out, converter->err);
}

int ebpf_exporter_convert(const char *file, const char *object, struct text *out,
			  struct text *hints, struct error *err)
{
	_cleanup_text_ struct text json = {};
	struct converter converter = {
		.file = file, .json = { .out = &json }, .hints = hints, .err = err
	};
	int r = convert_file(&converter, object, out);

	fields_free(converter.key, converter.n_key);
	object_unref(converter.object);
	text_release(&converter.refusals);
	return r;
}
