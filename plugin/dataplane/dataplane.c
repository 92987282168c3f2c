/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dataplane.h"
#include "base/clock.h"
#include "base/image_check.h"
#include "base/self_counter.h"
#include "dataplane/cache.h"
#include "dataplane/compile_queue.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

static bool text_equal(const struct text *a, const struct text *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

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
 * Tests whether the metric shares what a read takes out of its map: the values are added to the
 * accumulators of all metrics of the map for which this function returns true.
 */
static bool is_added_up(const struct metric_config *config)
{
	return config->empty_on_read && config->exported && metric_type_accumulates(config->type);
}

/*
 * Warns of metrics that empty the same map without shared accumulators. Each of them sees only what
 * the reads of the other one have left.
 */
static void warn_of(const struct direction_config *config, enum direction direction,
		    struct text *warnings)
{
	for (size_t i = 0; i < config->n_metrics; i++)
		for (size_t j = 0; j < i; j++) {
			const struct metric_config *a = &config->metrics[j],
						   *b = &config->metrics[i];

			if (strcmp(a->map_name, b->map_name) != 0 ||
			    !(a->empty_on_read || b->empty_on_read) ||
			    (a->swap_on_read || b->swap_on_read) ||
			    (is_added_up(a) && is_added_up(b)))
				continue;
			text_printf(warnings,
				    "%s-path.metric-configs[%zu]: map %s is taken out of by "
				    "metric \"%s\", too: each finds what the other one left\n",
				    direction_name(direction), i, b->map_name, a->name);
		}
}

/*
 * Returns the name of the source in diagnostics. Equal sources on both directions get the same name
 * and thus compile to the same object. This object is loaded once, with one set of maps.
 */
static const char *origin_of(const struct document *document, enum direction direction)
{
	const struct direction_config *ingress = document->directions[INGRESS];
	const struct direction_config *config = document->directions[direction];

	return ingress && text_equal(&ingress->source, &config->source) ? ingress->origin
									: config->origin;
}

/*
 * Tries an object in the sandbox before libbpf or libelf opens the object in this process. Objects
 * compiled here are tried, too, because source may contain forged sections in assembler. A host
 * without a sandbox cannot compile and accepts only objects; image_check() validates them instead
 * of a trial.
 */
static int object_try(const struct text *object, const char *origin,
		      const struct compiler *compiler, struct text *warnings, struct error *err)
{
	_cleanup_error_ struct error why = {};
	int r = compiler_try(compiler, origin, object, &why);

	if (r == -ENOENT) {
		text_printf(warnings, "%s: opened without a trial in the sandbox before: %s\n",
			    origin, error_message(&why));
		r = image_check(object->data, object->len, err);
		return r < 0 ? error_prefix(err, r, "%s: not a usable eBPF object", origin) : 0;
	}
	return r < 0 ? error_set(err, r, "%s", error_message(&why)) : 0;
}

/* Tests whether the object is equal to that of the ingress direction, which is tried first. */
static bool was_tried(const struct document *document, enum direction direction)
{
	const struct direction_config *ingress = document->directions[INGRESS];

	return direction != INGRESS && ingress && ingress->object.len &&
	       text_equal(&ingress->object, &document->directions[direction]->object);
}

/* Rejects a bundle that was compiled for the other kind of hook. */
static int hook_check(const struct document *document, const struct compile_target *target,
		      struct error *err)
{
	bool xdp = document->hook == DOCUMENT_HOOK_XDP;

	if (!document->directions[INGRESS] || document->hook == DOCUMENT_HOOK_ANY ||
	    xdp == target->xdp)
		return 0;
	return error_set(err, -EINVAL,
			 "ingress-path: the bundle is compiled for %s, and the hook here is %s: "
			 "take it for a hook of that kind, or compile it with --hook=%s",
			 xdp ? "xdp" : "tc", target->xdp ? "xdp" : "tc",
			 target->xdp ? "xdp" : "tc");
}

/* Compiles the source or copies the object. Skips the trial in the sandbox if tried is true. */
static int make_elf(const struct direction_config *config, const char *origin, bool tried,
		    const struct compiler *compiler, const struct compile_target *target,
		    struct text *elf, struct text *warnings, struct error *err)
{
	const struct text *code = config->object.len ? &config->object : &config->source;
	_cleanup_text_ struct text said = {};
	uint64_t began;
	int r = 0;

	if (cache_find(compiler->cache, compiler->since, target, origin, code, elf, warnings))
		return text_status(elf) < 0 ? error_oom(err) : 0;
	began = clock_now_ns();
	if (config->object.len)
		text_add(elf, code->data, code->len);
	else
		r = compiler_run(compiler, target, origin, code, elf, &said, err);
	if (r == 0 && text_status(elf) < 0)
		r = error_oom(err);
	if (r == 0 && !tried)
		r = object_try(elf, config->object.len ? config->origin : origin, compiler, &said,
			       err);
	if (r == 0)
		cache_store(compiler->cache, began, target, origin, code, elf, &said);
	text_add(warnings, said.data, said.len);
	return r;
}

static int direction_compile(struct direction_config *config, const char *origin, bool tried,
			     const struct compiler *compiler, const struct compile_target *target,
			     struct direction_code **ret, struct text *warnings, struct error *err)
{
	struct direction_code *code = calloc(1, sizeof(*code));
	int r;

	if (!code)
		return error_oom(err);
	code->refs = 1;
	code->config = direction_config_ref(config);
	warn_of(config, target->direction, warnings);
	r = make_elf(config, origin, tried, compiler, target, &code->elf, warnings, err);
	if (r < 0) {
		direction_code_unref(code);
		return error_prefix(err, r, "%s-path", direction_name(target->direction));
	}
	*ret = code;
	return 0;
}

/* Compiles the directions of the document. Other directions are shared with previous. */
static int compile_directions(struct dataplane *dataplane, const struct dataplane *previous,
			      const struct compiler *compiler, const struct compile_target *target,
			      struct error *err)
{
	const struct document *document = dataplane->document;

	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		struct compile_target this = *target;
		int r;

		this.direction = direction;
		this.xdp = target->xdp && direction == INGRESS; /* XDP has no egress */
		if (!document->directions[direction]) {
			if (previous)
				dataplane->directions[direction] =
					direction_code_ref(previous->directions[direction]);
			continue;
		}
		r = direction_compile(document->directions[direction],
				      origin_of(document, this.direction),
				      was_tried(document, this.direction), compiler, &this,
				      &dataplane->directions[direction], &dataplane->warnings, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int dataplane_build(struct document *document, const struct dataplane *previous,
		    const struct compiler *compiler, const struct compile_target *target,
		    struct dataplane **ret, struct error *err)
{
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = calloc(1, sizeof(*dataplane));
	bool compiles;
	int r;

	if (!dataplane) {
		document_free(document);
		return error_oom(err);
	}
	dataplane->refs = 1;
	dataplane->document = document;
	text_add(&dataplane->warnings, document->warnings.data, document->warnings.len);
	r = hook_check(document, target, err);
	if (r < 0)
		return r;
	compiles = document->directions[INGRESS] || document->directions[EGRESS];
	r = compiles ? compile_queue_enter(compiler, err) : 0;
	if (r < 0)
		return r;
	r = compile_directions(dataplane, previous, compiler, target, err);
	if (compiles)
		compile_queue_leave(compiler->queue);
	if (r < 0)
		return r;
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
	for (int i = 0; i < N_DIRECTIONS; i++)
		if (i != (int)direction)
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
	const struct document *from = dataplane->document;

	if (!json_object_equal(from->json, document->json))
		return false;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct direction_config *a = from->directions[direction],
					      *b = document->directions[direction];

		if (a && b &&
		    (!text_equal(&a->source, &b->source) || !text_equal(&a->object, &b->object)))
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
