/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dataplane.h"
#include "base/clock.h"
#include "base/image.h"
#include "base/image_check.h"
#include "dataplane/cache.h"
#include "dataplane/compile_queue.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

DEFINE_CLEANUP(struct json_object *, json_object_put);

static struct direction_code *direction_code_ref(struct direction_code *code)
{
	if (code)
		__atomic_add_fetch(&code->refs, 1, __ATOMIC_RELAXED);
	return code;
}

static void direction_code_unref(struct direction_code *code)
{
	if (!code || __atomic_sub_fetch(&code->refs, 1, __ATOMIC_ACQ_REL))
		return;
	direction_config_unref(code->config);
	text_release(&code->elf);
	free(code);
}

/*
 * Returns true if the metric shares what a read takes out of its map: the values are added to the
 * accumulators of all metrics of the map for which this function returns true.
 */
static bool shares_reads(const struct metric_config *config)
{
	return config->empty_on_read && config->exported && metric_type_accumulates(config->type);
}

/*
 * Warns of metrics that empty the same map without shared accumulators. Each of them sees only what
 * the reads of the other one have left.
 */
static void warn_of_emptied_maps(const struct direction_config *config, enum direction direction,
				 struct text *warnings)
{
	for (size_t i = 0; i < config->n_metrics; i++)
		for (size_t j = 0; j < i; j++) {
			const struct metric_config *a = &config->metrics[j],
						   *b = &config->metrics[i];

			if (strcmp(a->map_name, b->map_name) != 0 ||
			    !(a->empty_on_read || b->empty_on_read) ||
			    (a->swap_on_read || b->swap_on_read) ||
			    (shares_reads(a) && shares_reads(b)))
				continue;
			text_printf(warnings,
				    "%s.metric-configs[%zu]: metric \"%s\" also reads map %s and "
				    "one of both empties the map: each metric misses what the "
				    "other one has read\n",
				    direction_key(direction), i, a->name, b->map_name);
		}
}

static void warn_of_missing_metrics(struct dataplane *dataplane)
{
	size_t n = 0;

	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (dataplane->directions[direction])
			n += dataplane->directions[direction]->config->n_metrics;
	if (!n && !dataplane_is_empty(dataplane))
		text_adds(&dataplane->warnings,
			  "the dataplane has no metrics: nothing is exported\n");
}

static bool lacks_btf(const struct text *object)
{
	struct image image;
	const char *bytes;
	size_t len;

	return image_init(&image, object->data, object->len, NULL) == 0 &&
	       image_find_section(&image, ".BTF", &bytes, &len, NULL) == 0;
}

/*
 * Tries an object in the sandbox before libbpf or libelf opens the object in this process. Objects
 * compiled here are tried, too, because source may contain forged sections in assembler. A host
 * without a sandbox cannot compile and accepts only objects; image_check() validates them instead
 * of a trial.
 */
static int try_object(const struct text *object, const char *origin,
		      const struct compiler *compiler, struct text *warnings, struct error *err)
{
	_cleanup_error_ struct error reason = {};
	int r = compiler_try(compiler, origin, object, &reason);

	if (r == -ENOENT) {
		text_printf(warnings, "%s: opened without a trial in the sandbox: %s\n", origin,
			    error_message(&reason));
		r = image_check(object->data, object->len, err);
		return r < 0 ? error_prefix(err, r, "%s: not a usable eBPF object", origin) : 0;
	}
	return r < 0 ? error_set(err, r, "%s%s", error_message(&reason),
				 lacks_btf(object) ? " The object has no BTF: compile it with -g."
						   : "")
		     : 0;
}

/* Compiles the source of a direction, or copies its object. */
static int compile_direction(const struct document *document, const struct compiler *compiler,
			     const struct compile_target *target, struct text *elf,
			     struct text *warnings, struct error *err)
{
	const struct direction_config *config = document->directions[target->direction];
	const struct direction_config *ingress = document->directions[INGRESS];
	bool compiled = config->source.len;
	const struct text *code = compiled ? &config->source : &config->object;
	/*
	 * Equal sources on both directions get the same name and thus compile to the same object.
	 * This object is loaded once, with one set of maps.
	 */
	const char *origin = ingress && text_equal(&ingress->source, &config->source)
				     ? ingress->origin
				     : config->origin;
	/* An object that equals that of the ingress direction has been tried already. */
	bool tried = config != ingress && !compiled && ingress &&
		     text_equal(&ingress->object, &config->object);
	_cleanup_text_ struct text diagnostics = {};
	uint64_t began;
	int r = 0;

	if (cache_find(compiler->cache, compiler->since, target, origin, code, elf, warnings))
		return text_status(elf) < 0 ? error_oom(err) : 0;
	began = clock_now_ns();
	if (compiled)
		r = compiler_run(compiler, target, origin, code, elf, &diagnostics, err);
	else
		text_add(elf, code->data, code->len);
	if (r == 0 && text_status(elf) < 0)
		r = error_oom(err);
	if (r == 0 && !tried)
		r = try_object(elf, compiled ? origin : config->origin, compiler, &diagnostics,
			       err);
	if (r == 0)
		cache_store(compiler->cache, began, target, origin, code, elf, &diagnostics);
	text_add(warnings, diagnostics.data, diagnostics.len);
	return r;
}

/* Names metrics that the code defines in tags and that the document does not use. */
static void warn_of_unused_tags(struct json_object *list, enum direction direction,
				struct text *warnings)
{
	text_printf(warnings,
		    "%s: the document has metric-configs, so that these metrics, which the code "
		    "declares, are not used:",
		    direction_key(direction));
	for (size_t i = 0; i < json_object_array_length(list) && warnings->len < WARNINGS_MAX; i++)
		text_printf(warnings, "%s %.80s", i ? "," : "",
			    json_object_get_string(json_object_object_get(
				    json_object_array_get_idx(list, i), "name")));
	text_adds(warnings, "\n");
}

/*
 * Reads the metrics that the compiled code of a direction declares in tags. Without a direction of
 * their own they belong to the first direction with this code.
 */
static int read_tags(struct dataplane *dataplane, enum direction direction, struct error *err)
{
	struct direction_code *code = dataplane->directions[direction];
	const struct direction_code *ingress = dataplane->directions[INGRESS];
	bool shared = direction == EGRESS && ingress && text_equal(&ingress->elf, &code->elf);
	_cleanup_(json_object_putp) struct json_object *list = NULL;
	struct image image;
	int r;

	if (dataplane->document->elf && code->config->has_list)
		return 0; /* read from the tags, or kept in a bundle */
	r = image_init(&image, code->elf.data, code->elf.len, err);
	if (r == 0)
		r = elf_metadata_metrics(&image, direction, shared ? INGRESS : direction, &list,
					 err);
	if (r < 0 || !list)
		return r;
	if (!code->config->has_list)
		return direction_config_add_metrics(code->config, direction, list,
						    &dataplane->warnings, err);
	warn_of_unused_tags(list, direction, &dataplane->warnings);
	return 0;
}

/* Drops the directions for which the compiled code has no program. */
static int drop_directions(struct dataplane *dataplane, const struct text *elf, struct error *err)
{
	bool has[N_DIRECTIONS], leave[N_DIRECTIONS];
	struct image image;
	int r = image_init(&image, elf->data, elf->len, err);

	if (r == 0)
		r = elf_metadata_directions(&image, has, err);
	if (r < 0)
		return r;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		leave[direction] = !has[direction];
	if (leave[INGRESS] && leave[EGRESS])
		return error_set(err, -EINVAL, "there is no program in the code");
	document_leave(dataplane->document, leave);
	return 0;
}

/* Compiles a direction of the document. */
static int build_direction(struct dataplane *dataplane, const struct compiler *compiler,
			   const struct compile_target *target, enum direction direction,
			   struct error *err)
{
	struct direction_code *code = dataplane->directions[direction] = calloc(1, sizeof(*code));
	struct compile_target this = *target;
	int r;

	if (!code)
		return error_oom(err);
	code->refs = 1;
	code->config = direction_config_ref(dataplane->document->directions[direction]);
	this.direction = direction;
	this.xdp = target->xdp && direction == INGRESS; /* XDP has no egress */
	r = compile_direction(dataplane->document, compiler, &this, &code->elf,
			      &dataplane->warnings, err);
	if (r == 0)
		r = read_tags(dataplane, direction, err);
	if (r < 0)
		return r;
	warn_of_emptied_maps(code->config, direction, &dataplane->warnings);
	return 0;
}

/* Compiles the directions of the document. Other directions are shared with previous. */
static int compile_directions(struct dataplane *dataplane, const struct dataplane *previous,
			      const struct compiler *compiler, const struct compile_target *target,
			      struct error *err)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		struct direction_code **code = &dataplane->directions[direction];
		int r = 0;

		if (dataplane->document->directions[direction])
			r = build_direction(dataplane, compiler, target, direction, err);
		if (r == 0 && dataplane->document->by_program && direction == INGRESS)
			r = drop_directions(dataplane, &(*code)->elf, err);
		if (r < 0)
			return error_prefix(err, r, "%s", direction_key(direction));
		if (dataplane->document->directions[direction])
			continue;
		direction_code_unref(*code);
		*code = previous ? direction_code_ref(previous->directions[direction]) : NULL;
	}
	return 0;
}

int dataplane_build(struct document *document, const struct dataplane *previous,
		    const struct compiler *compiler, const struct compile_target *target,
		    struct dataplane **ret, struct error *err)
{
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = calloc(1, sizeof(*dataplane));
	const char *hook = target->xdp ? "xdp" : "tc";
	int r;

	if (!dataplane) {
		document_free(document);
		return error_oom(err);
	}
	dataplane->refs = 1;
	dataplane->document = document;
	text_add(&dataplane->warnings, document->warnings.data, document->warnings.len);
	if (document->directions[INGRESS] && document->hook != DOCUMENT_HOOK_ANY &&
	    document->hook != (target->xdp ? DOCUMENT_HOOK_XDP : DOCUMENT_HOOK_TC))
		return error_set(err, -EINVAL,
				 "ingress-path: the bundle is compiled for %s, but the hook is %s: "
				 "use a hook of that kind, or compile the bundle with --hook=%s",
				 target->xdp ? "tc" : "xdp", hook, hook);
	if (document->directions[INGRESS] || document->directions[EGRESS]) {
		r = compile_queue_enter(compiler, err);
		if (r < 0)
			return r;
		r = compile_directions(dataplane, previous, compiler, target, err);
		compile_queue_leave(compiler->queue);
	} else {
		r = compile_directions(dataplane, previous, compiler, target, err);
	}
	if (r < 0)
		return r;
	warn_of_missing_metrics(dataplane);
	if (text_status(&dataplane->warnings) < 0)
		return error_oom(err);
	*ret = steal_ptr(&dataplane);
	return 0;
}

int dataplane_get_document(const struct dataplane *dataplane, struct document **ret,
			   struct error *err)
{
	_cleanup_document_ struct document *document = calloc(1, sizeof(*document));

	if (!document ||
	    json_object_deep_copy(dataplane->document->json, &document->json, NULL) < 0)
		return error_oom(err);
	document->hook = dataplane->document->hook;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (dataplane->directions[direction])
			document->directions[direction] =
				direction_config_ref(dataplane->directions[direction]->config);
	*ret = steal_ptr(&document);
	return 0;
}

int dataplane_without(const struct dataplane *dataplane, enum direction direction,
		      struct dataplane **ret, struct error *err)
{
	_cleanup_(dataplane_unrefp) struct dataplane *less = calloc(1, sizeof(*less));
	int r;

	if (!less)
		return error_oom(err);
	less->refs = 1;
	r = dataplane_get_document(dataplane, &less->document, err);
	if (r < 0)
		return r;
	less->document->directions[direction] =
		direction_config_unref(less->document->directions[direction]);
	for (enum direction i = 0; i < N_DIRECTIONS; i++)
		if (i != direction)
			less->directions[i] = direction_code_ref(dataplane->directions[i]);
	*ret = steal_ptr(&less);
	return 0;
}

bool dataplane_is_empty(const struct dataplane *dataplane)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (dataplane->directions[direction])
			return false;
	return true;
}

bool dataplane_is_from(const struct dataplane *dataplane, const struct document *document)
{
	const struct document *source = dataplane->document;

	if (!json_object_equal(source->json, document->json))
		return false;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct direction_config *a = source->directions[direction],
					      *b = document->directions[direction];

		if (a && b &&
		    (!text_equal(&a->source, &b->source) || !text_equal(&a->object, &b->object) ||
		     !presets_equal(&a->presets, &b->presets)))
			return false;
	}
	return true;
}

struct dataplane *dataplane_ref(struct dataplane *dataplane)
{
	if (dataplane)
		__atomic_add_fetch(&dataplane->refs, 1, __ATOMIC_RELAXED);
	return dataplane;
}

struct dataplane *dataplane_unref(struct dataplane *dataplane)
{
	if (!dataplane || __atomic_sub_fetch(&dataplane->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		direction_code_unref(dataplane->directions[direction]);
	document_free(dataplane->document);
	text_release(&dataplane->warnings);
	free(dataplane);
	return NULL;
}
