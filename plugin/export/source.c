/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/source.h"

#include <ctype.h>
#include <errno.h>

static bool ends_with(const struct text *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !memcmp(text->data + len - n, end, n);
}

/*
 * [a-zA-Z_:][a-zA-Z0-9_:]*: the metric's name, the field's, the unit; a counter's samples end in
 * _total.
 */
static char *sample_name(const struct metric *metric, const struct family *family)
{
	const struct metric_config *config = metric->config;
	_cleanup_text_ struct text name = {};

	if (isdigit((unsigned char)*config->name))
		text_addc(&name, '_');
	for (const char *c = config->name; *c; c++)
		text_addc(&name, isalnum((unsigned char)*c) || *c == '_' || *c == ':' ? *c : '_');
	if (config->type == METRIC_COUNTER && ends_with(&name, name.len, "_total"))
		name.len -= strlen("_total");
	if (*family->name)
		text_printf(&name, "_%s", family->name);
	if (config->unit && !ends_with(&name, name.len, config->unit))
		text_printf(&name, "_%s", config->unit);
	if (config->type == METRIC_COUNTER)
		text_adds(&name, "_total");
	return text_steal(&name);
}

static int add_constant(struct source *source, struct names *names, const char *name,
			const char *value)
{
	name = names_add(names, name);
	if (!name)
		return -ENOMEM;
	text_printf(&source->labels, "%s%s=\"", source->labels.len ? "," : "", name);
	exposition_label_value(&source->labels, value, strlen(value));
	text_addc(&source->labels, '"');
	return text_status(&source->labels);
}

static int add_label(struct source *source, struct names *names, size_t i)
{
	const char *name = names_add(names, source->metric->labels[i].name);

	return name && asprintf(&source->label_heads[i], ",%s=\"", name) >= 0 ? 0 : -ENOMEM;
}

static int source_init(struct source *source, const struct view_item *item, int path)
{
	_cleanup_(names_release) struct names names = {};
	const struct metric *metric = source->metric;
	const struct metric_config *config = metric->config;
	const char *monitor = item->monitor ? item->monitor->settings.name : "";
	int r;

	source->type = config->type;
	source->name = sample_name(metric, &metric->families[source->family]);
	source->label_heads = calloc(metric->n_labels + 1, sizeof(char *));
	if (!source->name || !source->label_heads)
		return -ENOMEM;
	r = add_constant(source, &names, "monitor", monitor);
	if (r == 0)
		r = add_constant(source, &names, "interface", item->interface);
	if (r == 0)
		r = add_constant(source, &names, "path", path_name((enum path)path));
	for (size_t i = 0; r == 0 && i < config->n_labels; i++)
		if (config->labels[i].value)
			r = add_constant(source, &names, config->labels[i].name,
					 config->labels[i].value);
	for (size_t i = 0; r == 0 && i < metric->n_labels; i++)
		r = add_label(source, &names, i);
	return r;
}

static void source_release(struct source *source)
{
	for (size_t i = 0; source->label_heads && i < source->metric->n_labels; i++)
		free(source->label_heads[i]);
	free(source->label_heads);
	free(source->name);
	text_release(&source->labels);
}

static int by_name(const void *a, const void *b)
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

/* Whether any source's samples are called as the counter's family, with that at the end. */
static bool name_is_taken(const struct sources *sources, const struct source *counter,
			  const char *suffix)
{
	size_t len = source_family_len(counter), from = 0, to = sources->n;

	while (from < to) {
		size_t middle = (from + to) / 2;
		const char *name = sources->items[middle].name;
		int r = strncmp(name, counter->name, len);

		if (r == 0)
			r = strcmp(name + len, suffix);
		if (r == 0)
			return true;
		if (r < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

static bool same_labels(const struct source *a, const struct source *b)
{
	return a->labels.len == b->labels.len &&
	       !memcmp(a->labels.data, b->labels.data, a->labels.len);
}

/* my-metric and my_metric of one path: only their own names tell them apart. */
static void keep_apart(struct source *sources, size_t n)
{
	for (size_t i = 1, first = 0; i < n; i++) {
		if (!same_labels(&sources[i], &sources[first])) {
			first = i;
			continue;
		}
		text_adds(&sources[i].labels, ",metric_name=\"");
		exposition_label_value(&sources[i].labels, sources[i].metric->config->name,
				       strlen(sources[i].metric->config->name));
		text_addc(&sources[i].labels, '"');
	}
}

/* Sources of one name must have one type, and no family may be called as another's samples. */
static void settle_types(struct sources *sources)
{
	struct source *items = sources->items;
	size_t n;

	for (size_t i = 0; i < sources->n; i += n) {
		enum metric_type type = items[i].type;

		/* Until they are read as such, these have no buckets and no quantiles. */
		if (type == METRIC_HISTOGRAM || type == METRIC_SUMMARY)
			type = METRIC_UNTYPED;
		for (n = 0; i + n < sources->n && !strcmp(items[i].name, items[i + n].name); n++)
			if (items[i + n].type != type)
				type = METRIC_UNTYPED;
		if (type == METRIC_COUNTER && (name_is_taken(sources, &items[i], "") ||
					       name_is_taken(sources, &items[i], "_created")))
			type = METRIC_UNTYPED;
		for (size_t j = i; j < i + n; j++)
			items[j].type = type;
		keep_apart(&items[i], n);
	}
}

static int add_metric(struct sources *sources, const struct view_item *item, int path,
		      const struct metric *metric)
{
	struct held *held = &sources->helds[sources->n_helds++];

	*held = (struct held){ .metric = metric, .users = metric->n_families };
	for (size_t family = 0; family < metric->n_families; family++) {
		struct source *source = &sources->items[sources->n];
		int r;

		*source = (struct source){
			.metric = metric,
			.family = family,
			.held = held,
			.order = sources->n++,
		};
		r = source_init(source, item, path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* How many families, and metrics that have any, a view has. */
static void count(const struct view *view, size_t *families, size_t *metrics)
{
	*families = *metrics = 0;
	for (size_t i = 0; i < view->n; i++)
		for (int path = 0; view->items[i].generation && path < PATH_COUNT; path++) {
			const struct generation_path *of = &view->items[i].generation->paths[path];

			for (size_t j = 0; j < of->n_metrics; j++) {
				*families += of->metrics[j].n_families;
				*metrics += of->metrics[j].n_families > 0;
			}
		}
}

int sources_init(struct sources *sources, const struct view *view)
{
	size_t families, metrics;
	int r = 0;

	count(view, &families, &metrics);
	*sources = (struct sources){
		.items = calloc(families + 1, sizeof(*sources->items)),
		.helds = calloc(metrics + 1, sizeof(*sources->helds)),
	};
	if (!sources->items || !sources->helds)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < view->n; i++)
		for (int path = 0; view->items[i].generation && path < PATH_COUNT; path++) {
			const struct generation_path *of = &view->items[i].generation->paths[path];

			for (size_t j = 0; r == 0 && j < of->n_metrics; j++)
				if (of->metrics[j].n_families)
					r = add_metric(sources, &view->items[i], path,
						       &of->metrics[j]);
		}
	if (r < 0) {
		sources_release(sources);
		return r;
	}
	qsort(sources->items, sources->n, sizeof(*sources->items), by_name);
	settle_types(sources);
	return 0;
}

void sources_release(struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++)
		source_release(&sources->items[i]);
	for (size_t i = 0; i < sources->n_helds; i++) {
		if (sources->helds[i].open)
			sampling_release(&sources->helds[i].sampling);
		free(sources->helds[i].sums);
	}
	free(sources->items);
	free(sources->helds);
	*sources = (struct sources){};
}
