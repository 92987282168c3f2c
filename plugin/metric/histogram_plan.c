/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/histogram.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Limit of the numbers of all series in a read if each CPU has its own series. */
#define CPU_HISTOGRAMS_BYTES_MAX (4ULL * 1024 * 1024 * 1024)

static const double quantiles_default[] = { 0.5, 0.9, 0.99 };

/* -- where the slots are -- */

static bool is_integer(const struct field *field)
{
	enum plan_kind kind = field->plan.ops->kind;

	return plan_is_number(&field->plan) && (kind == PLAN_UNSIGNED || kind == PLAN_SIGNED);
}

/* Fields formatted as an address, port and the like are no slot numbers. Enums may be. */
static bool is_slot(const struct field *field)
{
	return is_integer(field) && (field->format == FORMAT_AUTO || field->format == FORMAT_ENUM);
}

static void use_slots(struct histogram *histogram, enum slots_in in, const struct field *field)
{
	histogram->in = in;
	histogram->field = field;
}

/* Uses the field that the document names: "value.slots", "key.bucket" or "index". */
static int use_named_slots(struct metric *metric, const char *path, struct error *err)
{
	const struct field *value = metric_value_field(metric, path);
	const struct field *key = metric_key_field(metric, path);

	if (metric_has_index(metric) && !strcmp(path, "index")) {
		use_slots(&metric->histogram, SLOTS_IN_INDEX, NULL);
		return 0;
	}
	if (!key && !value)
		return metric_no_such_field(metric, "bucket-field", path, err);
	if (value && !plan_n_integers(&value->plan))
		return error_set(
			err, -EINVAL,
			"bucket-field: expected an array of integers, but \"%s\" is not one", path);
	if (key && !is_integer(key))
		return error_set(err, -EINVAL,
				 "bucket-field: expected an integer, but \"%s\" is not one", path);
	if (key && !is_slot(key))
		return error_set(
			err, -EINVAL,
			"bucket-field: expected a slot number, but \"%s\" has the format of "
			"an address, a port or similar",
			path);
	use_slots(&metric->histogram, value ? SLOTS_IN_VALUE : SLOTS_IN_KEY, value ? value : key);
	return 0;
}

/* Finds the slots by type: an array in the value, an array map, then an integer in the key. */
static int use_any_slots(struct metric *metric, struct error *err)
{
	static const char *const names[] = { "key.slot", "key.bucket" };
	struct histogram *histogram = &metric->histogram;

	for (size_t i = 0; i < metric->n_value_fields; i++) {
		const struct field *field = &metric->value_fields[i];

		if (plan_n_integers(&field->plan) > 1 && field->format == FORMAT_AUTO &&
		    !field->chars && !field->repeated && !field->padding) {
			use_slots(histogram, SLOTS_IN_VALUE, field);
			return 0;
		}
	}
	if (metric_has_index(metric) && metric->map.max_entries > 1)
		use_slots(histogram, SLOTS_IN_INDEX, NULL);
	for (size_t i = 0; !metric_has_index(metric) && i < ARRAY_SIZE(names); i++) {
		const struct field *field = metric_key_field(metric, names[i]);

		if (!histogram_is_one(histogram) && field && is_slot(field))
			use_slots(histogram, SLOTS_IN_KEY, field);
	}
	if (!histogram_is_one(histogram) && metric->n_key_fields == 1 &&
	    is_slot(metric->key_fields))
		use_slots(histogram, SLOTS_IN_KEY, metric->key_fields);
	if (histogram_is_one(histogram))
		return 0;
	return error_set(err, -EINVAL,
			 "histogram: no slots found: the map has neither an array of integers in "
			 "the value nor an integer in the key; set \"bucket-field\"");
}

/* If each slot is an entry: finds the field of the value that is the count. */
static int plan_count(struct metric *metric, struct error *err)
{
	const struct metric_config *config = metric->config;
	struct histogram *histogram = &metric->histogram;
	size_t found = 0;
	int r;

	if (histogram->in == SLOTS_IN_VALUE && config->value)
		return error_set(err, -EINVAL,
				 "value: remove \"%s\": a histogram in an array has its slots as "
				 "samples",
				 config->value);
	if (histogram->in == SLOTS_IN_VALUE)
		return 0;
	if (config->value) {
		r = metric_find_field(metric, "value", config->value, false, &histogram->count,
				      err);
		if (r == 0 && !is_integer(histogram->count))
			r = error_set(err, -EINVAL,
				      "value: expected an integer as the count of the histogram, "
				      "but \"%s\" is not one",
				      config->value);
		return r;
	}
	for (size_t i = 0; i < metric->n_value_fields; i++) {
		const struct field *field = &metric->value_fields[i];

		if (is_integer(field) && field->format == FORMAT_AUTO && !field->padding &&
		    field != histogram->sum) {
			histogram->count = field;
			found++;
		}
	}
	if (found == 1)
		return 0;
	return error_set(err, -EINVAL,
			 "the count of the histogram is ambiguous: set \"value\" to the field that "
			 "counts");
}

/* -- bucket bounds -- */

static enum buckets buckets_of(const struct metric *metric)
{
	enum buckets buckets = metric->config->histogram.buckets;

	if (buckets != BUCKETS_LOG2)
		return buckets;
	return metric->dialect ? BUCKETS_LOG2_BITS : BUCKETS_LOG2_FLOOR;
}

static int count_buckets(struct metric *metric, struct error *err)
{
	const struct histogram_config *config = &metric->config->histogram;
	const struct histogram *histogram = &metric->histogram;
	uint32_t slots = 0, n; /* slots: of the map; 0: the map does not define their number */

	if (histogram->in == SLOTS_IN_VALUE)
		slots = plan_n_integers(&histogram->field->plan);
	else if (histogram->in == SLOTS_IN_INDEX)
		slots = metric->map.max_entries;
	if (config->sum_slot && slots)
		slots--;
	n = config->slots ? config->slots : slots;
	if (config->buckets == BUCKETS_BOUNDS)
		n = (uint32_t)config->n_bounds + 1;
	if (slots && config->buckets == BUCKETS_BOUNDS && slots != n)
		return error_set(
			err, -EINVAL, "buckets: %zu bounds require %u slots%s, but the map has %u",
			config->n_bounds, n, config->sum_slot ? " and that of the sum" : "", slots);
	if (slots && config->slots > slots)
		return error_set(err, -EINVAL, "slots: expected at most the map's %u%s, found %u",
				 slots, config->sum_slot ? " beside that of the sum" : "",
				 config->slots);
	if (!n && (config->buckets == BUCKETS_LINEAR || config->sum_slot))
		return error_set(err, -EINVAL, "histogram: %s \"slots\"",
				 config->sum_slot ? "\"sum-slot\" requires"
						  : "linear buckets require");
	if (config->sum_slot)
		metric->histogram.sum_slot = n;
	if (!n)
		n = SLOTS_DEFAULT;
	/* A 64-bit value cannot reach more logarithmic slots. */
	if (n > SLOTS_DEFAULT && config->buckets < BUCKETS_LINEAR)
		n = SLOTS_DEFAULT;
	if (n < 2 || n > BUCKETS_MAX)
		return error_set(err, -EINVAL,
				 "slots: expected 2 to %d slots, found %u; set \"slots\"",
				 BUCKETS_MAX, n);
	metric->histogram.n_buckets = n;
	return 0;
}

/* Returns the largest value that a slot counts, not scaled. ldexp() is exact. */
static double upper_bound(const struct metric *metric, uint32_t slot)
{
	const struct histogram_config *config = &metric->config->histogram;
	double width = config->width ? config->width : 1;

	switch (buckets_of(metric)) {
	case BUCKETS_LOG2_BITS:
		return ldexp(1, (int)slot) - 1;
	case BUCKETS_EXP2:
		return ldexp(1, (int)slot);
	case BUCKETS_EXP2_ZERO:
		return slot ? ldexp(1, (int)slot - 1) : 0;
	case BUCKETS_LINEAR:
		return (slot + 1) * width - 1;
	case BUCKETS_BOUNDS:
		return config->bounds[slot];
	default:
		return ldexp(1, (int)slot + 1) - 1;
	}
}

static int plan_bounds(struct metric *metric, struct error *err)
{
	struct histogram *histogram = &metric->histogram;
	double *bounds;
	int r = count_buckets(metric, err);

	if (r < 0)
		return r;
	bounds = histogram->bounds = calloc(histogram->n_buckets, sizeof(*bounds));
	if (!bounds)
		return error_oom(err);
	for (uint32_t i = 0; i + 1 < histogram->n_buckets; i++) {
		struct number bound = { NUMBER_FLOAT, .f = upper_bound(metric, i) };

		bounds[i] = number_double(metric_scale(metric, bound));
		if (bounds[i] != bound.f) {
			char digits[32];

			/* Rounds to the bound a person would write, such as 1.023e-06. */
			snprintf(digits, sizeof(digits), "%.15g", bounds[i]);
			bounds[i] = strtod(digits, NULL);
		}
		if (!isfinite(bounds[i]) || (i && bounds[i] <= bounds[i - 1]))
			return error_set(err, -EINVAL,
					 "histogram: with this scale, bound %u is not above the "
					 "previous one",
					 i);
	}
	return 0;
}

/* A native form exists only if the scale is a power of two, so that the bounds are, too. */
static void plan_native(struct metric *metric)
{
	static const struct {
		size_t zero;
		int first;
	} natives[] = {
		[BUCKETS_LOG2_FLOOR] = { 1, 2 },
		[BUCKETS_LOG2_BITS] = { 2, 2 },
		[BUCKETS_EXP2] = { 1, 1 },
		[BUCKETS_EXP2_ZERO] = { 2, 1 },
	};
	struct histogram *histogram = &metric->histogram;
	double scale = metric->config->scale ? metric->config->scale : 1;
	enum buckets buckets = buckets_of(metric);
	int exponent;

	/*
	 * The last slot also counts everything beyond it. It must not be one of the slots for
	 * values up to 1. frexp() returns 0.5 for powers of two.
	 */
	if (buckets >= ARRAY_SIZE(natives) || histogram->n_buckets <= natives[buckets].zero ||
	    frexp(scale, &exponent) != 0.5)
		return;
	histogram->native_zero = natives[buckets].zero;
	histogram->native_exponent = exponent - 1;
	histogram->native_first = histogram->native_exponent + natives[buckets].first;
}

/* Limits the numbers of all series, which a read holds. Each entry may be a series. */
static int check_memory(const struct metric *metric, struct error *err)
{
	size_t series = metric_histograms(metric) * histogram_n_numbers(&metric->histogram) *
			sizeof(struct number);
	unsigned long long bytes = (unsigned long long)metric->map.max_entries * series;

	if (!metric_lists_cpus(metric) || bytes <= CPU_HISTOGRAMS_BYTES_MAX)
		return 0;
	return error_set(err, -EINVAL,
			 "per-cpu: the histograms of all CPUs may need %llu bytes, at most %llu "
			 "are possible; give the map fewer entries",
			 bytes, CPU_HISTOGRAMS_BYTES_MAX);
}

static int plan_slots(struct metric *metric, struct error *err)
{
	const struct metric_config *config = metric->config;
	struct histogram *histogram = &metric->histogram;
	int r;

	histogram->quantiles = config->n_quantiles ? config->quantiles : quantiles_default;
	histogram->n_quantiles =
		config->n_quantiles ? config->n_quantiles : ARRAY_SIZE(quantiles_default);
	if (config->histogram.bucket_field)
		r = use_named_slots(metric, config->histogram.bucket_field, err);
	else
		r = use_any_slots(metric, err);
	if (r == 0 && config->histogram.sum_field)
		r = metric_find_field(metric, "sum-field", config->histogram.sum_field, false,
				      &histogram->sum, err);
	if (r == 0)
		r = plan_count(metric, err);
	if (r == 0)
		r = plan_bounds(metric, err);
	if (r == 0)
		r = check_memory(metric, err);
	if (r == 0)
		plan_native(metric);
	return r;
}

int histogram_plan(struct metric *metric, struct error *err)
{
	const struct metric_config *config = metric->config;
	int r;

	if (config->type != METRIC_HISTOGRAM && config->type != METRIC_SUMMARY)
		return 0;
	r = plan_slots(metric, config->has_histogram ? err : NULL);
	if (r == -EINVAL && !config->has_histogram) {
		histogram_release(&metric->histogram);
		r = 0;
	}
	return r;
}

void histogram_release(struct histogram *histogram)
{
	free(histogram->bounds);
	*histogram = (struct histogram){};
}
