/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/source.h"
#include "base/log.h"
#include "metric/histogram.h"
#include "monitor/registry.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

/*
 * Rounds of renaming in sources_init(). Each further round needs one more metric with a conflicting
 * name: foo_bucket, foo_histogram_bucket and so on.
 */
#define RENAMES_MAX 8

/* Labels that distinguish metrics whose names became equal, see distinguish_equal_names(). */
#define METRIC_NAME  "metric_name"
#define METRIC_FIELD "metric_field"

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !memcmp(text + len - n, end, n);
}

/*
 * Builds a name of the form [a-zA-Z_:][a-zA-Z0-9_:]* from metric, field and unit; the samples of a
 * counter end in _total. SELF_METRICS_PREFIX is reserved for self metrics: a metric with such a
 * name gets the prefix "exported_". Returns NULL if out of memory.
 */
static char *sample_name(const struct metric *metric, const struct family *family)
{
	const struct metric_config *config = metric->config;
	_cleanup_text_ struct text name = {}, exported = {};

	if (isdigit((unsigned char)*config->name))
		text_addc(&name, '_');
	for (const char *c = config->name; *c; c++)
		text_addc(&name, isalnum((unsigned char)*c) || *c == '_' || *c == ':' ? *c : '_');
	if (config->type == METRIC_COUNTER && ends_with(name.data, name.len, "_total"))
		name.len -= strlen("_total");
	if (*family->name)
		text_printf(&name, "_%s", family->name);
	if (config->unit && !exposition_ends_with_unit(text_str(&name), name.len, config->unit))
		text_printf(&name, "_%s", config->unit);
	if (config->type == METRIC_COUNTER)
		text_adds(&name, "_total");
	if (!strncmp(text_str(&name), SELF_METRICS_PREFIX, strlen(SELF_METRICS_PREFIX)))
		text_printf(&exported, "exported_%s", text_str(&name));
	if (text_status(&name) < 0)
		return NULL;
	return text_steal(exported.len ? &exported : &name);
}

static int add_fixed(struct source *source, const char *name, const char *value)
{
	_cleanup_text_ struct text plain = {};
	struct value_label *label = &source->fixed[source->n_fixed++];

	exposition_label_plain(&plain, value, strlen(value));
	*label = (struct value_label){ name, text_steal(&plain) };
	text_printf(&source->labels, "%s%s=\"", source->labels.len ? "," : "", name);
	exposition_label_value(&source->labels, value, strlen(value));
	text_addc(&source->labels, '"');
	return label->value ? text_status(&source->labels) : -ENOMEM;
}

static int add_constant(struct source *source, const char *name, const char *value)
{
	name = names_add(&source->names, name);
	return name ? add_fixed(source, name, value) : -ENOMEM;
}

/* Returns the number of labels that vary: an array in the value has an index in addition. */
static size_t n_varying_labels(const struct source *source)
{
	return source->metric->n_labels + (source_family(source)->numbers > 1);
}

/*
 * Builds the label "le" or "quantile" of each sample of a histogram. Reserves the name before
 * others are added.
 */
static int add_tails(struct source *source)
{
	const struct histogram *histogram = &source->metric->histogram;
	bool summary = source->type == METRIC_SUMMARY;
	const char *name = names_add(&source->names, summary ? "quantile" : "le");
	size_t n = summary ? histogram->n_quantiles : histogram->n_buckets;

	source->tails = calloc(n, sizeof(*source->tails));
	if (!name || !source->tails)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		_cleanup_text_ struct text tail = {};

		text_printf(&tail, ",%s=\"", name);
		exposition_bound(&tail, summary	    ? histogram->quantiles[i]
					: i + 1 < n ? histogram->bounds[i]
						    : INFINITY);
		text_adds(&tail, "\"} ");
		source->tails[i] = text_steal(&tail);
		if (!source->tails[i])
			return -ENOMEM;
		source->n_tails++;
	}
	return 0;
}

static int source_init(struct source *source, const struct snapshot_item *item, int direction)
{
	const struct metric *metric = source->metric;
	const struct metric_config *config = metric->config;
	const char *monitor = item->monitor ? item->monitor->name : "";
	int r = 0;

	source->type = config->type;
	if (metric_lacks_slots(metric))
		source->type = METRIC_UNTYPED;
	source->name = sample_name(metric, &metric->families[source->family]);
	source->fixed = calloc(FIXED_MAX, sizeof(*source->fixed));
	source->label_heads = calloc(n_varying_labels(source) + 1, sizeof(char *));
	if (!source->name || !source->fixed || !source->label_heads)
		return -ENOMEM;
	if (!names_add(&source->names, METRIC_NAME) || !names_add(&source->names, METRIC_FIELD))
		return -ENOMEM;
	if (histogram_is_one(&metric->histogram))
		r = add_tails(source);
	if (r == 0)
		r = add_constant(source, "monitor", monitor);
	if (r == 0)
		r = add_constant(source, "interface", item->interface);
	/* Otherwise packets of the other direction would have the label, too. */
	if (r == 0 && !metric->both_directions)
		r = add_constant(source, "direction", direction_name(direction));
	for (size_t i = 0; r == 0 && i < config->n_labels; i++)
		if (config->labels[i].value)
			r = add_constant(source, config->labels[i].name, config->labels[i].value);
	for (size_t i = 0; r == 0 && i < n_varying_labels(source); i++) {
		const char *name = i < metric->n_labels ? metric->labels[i].name : "index";

		name = names_add(&source->names, name);
		if (!name || asprintf(&source->label_heads[i], ",%s=\"", name) < 0)
			r = -ENOMEM;
	}
	if (r == 0)
		source->label_names =
			source->names.names + source->names.n - n_varying_labels(source);
	return r;
}

static void source_release(struct source *source)
{
	for (size_t i = 0; source->label_heads && i < n_varying_labels(source); i++)
		free(source->label_heads[i]);
	for (size_t i = 0; i < source->n_fixed; i++)
		free((char *)source->fixed[i].value);
	for (size_t i = 0; i < source->n_tails; i++)
		free(source->tails[i]);
	free(source->tails);
	free(source->label_heads);
	free(source->fixed);
	free(source->name);
	text_release(&source->labels);
	names_release(&source->names);
}

static int source_by_name(const void *a, const void *b)
{
	const struct source *left = a, *right = b;
	int r = strcmp(left->name, right->name);

	return r ? r : (left->order > right->order) - (left->order < right->order);
}

size_t source_family_len(const struct source *source)
{
	size_t len = strlen(source->name);

	return source->type == METRIC_COUNTER ? len - strlen("_total") : len;
}

/* Binary search for a source with the name of this family plus the suffixes. NULL: none. */
static const struct source *find_source(const struct sources *sources, const struct source *source,
					const char *suffix, const char *more)
{
	_cleanup_text_ struct text name = {};
	size_t from = 0, to = sources->n;

	text_printf(&name, "%.*s%s%s", (int)source_family_len(source), source->name, suffix, more);
	while (from < to) {
		size_t middle = (from + to) / 2;
		int r = strcmp(sources->items[middle].name, text_str(&name));

		if (r == 0)
			return &sources->items[middle];
		if (r < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/*
 * Finds a source that clashes with a histogram, summary or counter. A family reserves its name and
 * these suffixes, whether its samples use them or not. A counter of the family NAME has the samples
 * NAME_total. Suffixes do not end in one another, so one family of a clash has no suffix.
 */
static const struct source *find_clash(const struct sources *sources, const struct source *source)
{
	static const char *const histogram[] = {
		"", "_bucket", "_count", "_sum", "_created", NULL
	};
	static const char *const counter[] = { "", "_total", "_created", NULL };
	const char *const *suffixes = source->type == METRIC_COUNTER ? counter : histogram;

	for (size_t i = 0; suffixes[i]; i++)
		for (int total = 0; total < 2; total++) {
			const struct source *other =
				find_source(sources, source, suffixes[i], total ? "_total" : "");

			if (other && strcmp(other->name, source->name) != 0 &&
			    (!total || other->type == METRIC_COUNTER))
				return other;
		}
	return NULL;
}

/*
 * Adds labels with the original names to sources with equal names and fixed labels: metrics
 * my-metric and my_metric of one direction, or field x of metric m and metric m_x.
 */
static int distinguish_equal_names(struct source *sources, size_t n)
{
	int r = 0;

	for (size_t i = 1, first = 0; r == 0 && i < n; i++) {
		const struct text *labels = &sources[i].labels, *others = &sources[first].labels;

		if (labels->len != others->len ||
		    memcmp(labels->data, others->data, labels->len) != 0) {
			first = i;
			continue;
		}
		r = add_fixed(&sources[i], METRIC_NAME, sources[i].metric->config->name);
		if (r == 0 && *source_family(&sources[i])->name)
			r = add_fixed(&sources[i], METRIC_FIELD, source_family(&sources[i])->name);
	}
	return r;
}

/* Finds a source that clashes with histogram items[i], or has its name and another type. */
static const struct source *find_histogram_clash(const struct sources *sources, size_t i)
{
	const struct source *items = sources->items, *source = &items[i];

	for (size_t j = i; j-- > 0 && !strcmp(items[j].name, source->name);)
		if (items[j].type != source->type)
			return &items[j];
	for (size_t j = i + 1; j < sources->n && !strcmp(items[j].name, source->name); j++)
		if (items[j].type != source->type)
			return &items[j];
	return find_clash(sources, source);
}

/*
 * Renames histograms and summaries with ambiguous sample names: appends the type to the name. They
 * cannot become untyped as other metrics do. Returns 1 if any was renamed, 0 or -ENOMEM.
 */
static int rename_ambiguous_histograms(struct sources *sources)
{
	_cleanup_free_ char **names = calloc(sources->n + 1, sizeof(*names));
	struct source *items = sources->items;
	const struct source *clash = NULL;
	bool renamed = false;
	int r = names ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sources->n; i++) {
		struct source *source = &items[i];

		if (source->type != METRIC_HISTOGRAM && source->type != METRIC_SUMMARY)
			continue;
		if (!i || items[i - 1].type != source->type ||
		    strcmp(items[i - 1].name, source->name) != 0)
			clash = find_histogram_clash(sources, i);
		if (!clash)
			continue;
		source->clash = clash->metric->config;
		if (asprintf(&names[i], "%s_%s", source->name, metric_type_name(source->type)) < 0)
			r = -ENOMEM;
	}
	for (size_t i = 0; names && i < sources->n; i++)
		if (names[i]) {
			free(items[i].name);
			items[i].name = names[i];
			renamed = true;
		}
	qsort(items, sources->n, sizeof(*items), source_by_name);
	return r < 0 ? r : renamed;
}

/*
 * Sources with the same name but different types become untyped, and so does a counter that clashes
 * with another source.
 */
static int unify_types(struct sources *sources)
{
	struct source *items = sources->items;
	int r = 0;
	size_t n;

	for (size_t i = 0; r == 0 && i < sources->n; i += n) {
		const struct source *clash = NULL;
		bool native = true;

		for (n = 0; i + n < sources->n && !strcmp(items[i].name, items[i + n].name); n++) {
			if (items[i + n].type != items[i].type)
				clash = &items[i];
			if (!items[i + n].metric->histogram.native_zero)
				native = false;
		}
		if (!clash && items[i].type == METRIC_COUNTER)
			clash = find_clash(sources, &items[i]);
		for (size_t j = i; j < i + n; j++) {
			if (clash && items[j].type != METRIC_UNTYPED)
				items[j].clash = clash->metric->config;
			if (clash)
				items[j].type = METRIC_UNTYPED;
			items[j].native = native;
		}
		r = distinguish_equal_names(&items[i], n);
	}
	return r;
}

/* Describes a source that was renamed, or became untyped, because of a clash. */
static void describe_clash(const struct source *source, struct text *out)
{
	const char *name = source->metric->config->name;

	text_printf(out, "metric \"%s\" is exported as \"%s\"%s: ", name, source->name,
		    source->type == METRIC_UNTYPED ? ", of unknown type" : "");
	if (strcmp(source->clash->name, name) != 0)
		text_printf(out, "metric \"%s\" uses a name that it reserves; rename one of them",
			    source->clash->name);
	else
		text_adds(out, "another metric of this name has another type; rename one of them");
}

/* Logs each clash once. */
static void log_clashes(const struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		const struct source *source = &sources->items[i];
		const struct metric *metric = source->metric;
		_cleanup_text_ struct text line = {};

		if (!source->clash ||
		    __atomic_exchange_n(&metric->notes->clash_logged, true, __ATOMIC_RELAXED))
			continue;
		describe_clash(source, &line);
		log_warning("%s%s", metric_owner(metric), text_str(&line));
	}
}

void sources_report_clashes(struct registry *registry, const char *monitor, struct text *report)
{
	struct snapshot snapshot;
	struct sources sources;

	if (registry_snapshot(registry, NULL, &snapshot, NULL) < 0)
		return;
	if (sources_init(&sources, &snapshot) == 0) {
		for (size_t i = 0; i < sources.n; i++) {
			const struct source *source = &sources.items[i];

			if (!source->clash || !source->monitor ||
			    strcmp(source->monitor->name, monitor) != 0)
				continue;
			/* Sources of one metric on several interfaces are adjacent. */
			if (i && !strcmp(sources.items[i - 1].name, source->name) &&
			    sources.items[i - 1].metric->config == source->metric->config)
				continue;
			describe_clash(source, report);
			text_addc(report, '\n');
		}
		sources_release(&sources);
	}
	snapshot_release(&snapshot);
}

static int source_add_metric(struct sources *sources, const struct snapshot_metric *each)
{
	const struct metric *metric = each->metric;
	struct metric_read *read = &sources->reads[sources->n_reads++];

	*read = (struct metric_read){ .metric = metric, .users = metric->n_families };
	for (size_t family = 0; family < metric->n_families; family++) {
		struct source *source = &sources->items[sources->n];
		int r;

		*source = (struct source){
			.monitor = each->item->monitor,
			.metric = metric,
			.family = family,
			.read = read,
			.order = sources->n++,
		};
		r = source_init(source, each->item, each->direction);
		if (r < 0)
			return r;
	}
	return 0;
}

int sources_init(struct sources *sources, const struct snapshot *snapshot)
{
	struct snapshot_metric each = {};
	size_t families = 0, metrics = 0;
	int r = 0;

	for (; snapshot_next_metric(snapshot, &each); metrics++)
		families += each.metric->n_families;
	*sources = (struct sources){
		.items = calloc(families + 1, sizeof(*sources->items)),
		.reads = calloc(metrics + 1, sizeof(*sources->reads)),
	};
	if (!sources->items || !sources->reads)
		r = -ENOMEM;
	each = (struct snapshot_metric){};
	while (r == 0 && snapshot_next_metric(snapshot, &each))
		if (each.metric->n_families)
			r = source_add_metric(sources, &each);
	if (r < 0) {
		sources_release(sources);
		return r;
	}
	qsort(sources->items, sources->n, sizeof(*sources->items), source_by_name);
	/* A new name may be in use, too. */
	for (int i = 0; r == 0 && i < RENAMES_MAX; i++) {
		r = rename_ambiguous_histograms(sources);
		if (r <= 0)
			break;
		r = 0;
	}
	if (r >= 0)
		r = unify_types(sources);
	if (r >= 0)
		log_clashes(sources);
	if (r < 0)
		sources_release(sources);
	return r;
}

void sources_release(struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++)
		source_release(&sources->items[i]);
	for (size_t i = 0; i < sources->n_reads; i++) {
		if (sources->reads[i].open)
			sampling_release(&sources->reads[i].sampling);
		free(sources->reads[i].sums);
	}
	free(sources->items);
	free(sources->reads);
	*sources = (struct sources){};
}
