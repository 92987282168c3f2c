/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/self_metrics.h"
#include "base/self_counter.h"
#include "monitor/registry.h"

#include <errno.h>
#include <string.h>

#define LABELS 5

/* Figures of one monitor, or sums over all monitors. */
struct facts {
	uint64_t monitors;
	uint64_t interfaces; /* with attached programs */
	uint64_t unattached; /* matching interfaces without attached programs */
	uint64_t changes;    /* dataplanes put in place */
	uint64_t failures;
	uint64_t changed;  /* seconds since 1970; 0: never */
	uint64_t failed;   /* 1: the dataplane runs nowhere */
	uint64_t outdated; /* 1: it does not run its document */
	struct feed_stats feeds;
	uint64_t feeds_waiting;
};

/* The subject of a figure. Members outside the row's scope are not set. */
struct subject {
	const struct snapshot_item *item;
	const struct facts *facts;
	const struct run_stats *run_stats;
	const struct metric *metric;
	const char *direction;
	enum reader_kind reader;
};

enum scope { OF_PLUGIN, OF_MONITOR, OF_READER, OF_PROGRAM, OF_METRIC, OF_METRIC_READER };

/* Where a figure is shown. Scrapers compute sums over monitors themselves. */
enum { IN_STATS = 1, IN_EXPOSITION = 2, IN_COLLECTD = 4, EVERYWHERE = 7 };

struct row {
	const char *name; /* without the unit */
	const char *unit; /* NULL: none */
	bool counter;
	enum scope scope;
	unsigned int where;
	const char *type; /* type in collectd's types.db */
	/* Returns false if there is no value. argument is that of the row. */
	bool (*get)(const struct subject *subject, size_t argument, struct number *ret);
	size_t argument;
	const char *help;
};

static bool unsigned_number(uint64_t u, struct number *ret)
{
	*ret = (struct number){ NUMBER_UNSIGNED, .u = u };
	return true;
}

static bool seconds(uint64_t ns, struct number *ret)
{
	*ret = (struct number){ NUMBER_FLOAT, .f = (double)ns * 1e-9 };
	return true;
}

static bool get_counted(const struct subject *subject, size_t figure, struct number *ret)
{
	(void)subject;
	return unsigned_number(self_counter_get((enum self_counter)figure), ret);
}

static bool get_fact(const struct subject *subject, size_t offset, struct number *ret)
{
	return unsigned_number(*(const uint64_t *)((const char *)subject->facts + offset), ret);
}

static bool get_changed(const struct subject *subject, size_t offset, struct number *ret)
{
	return get_fact(subject, offset, ret) && ret->u > 0;
}

static bool get_reads(const struct subject *subject, size_t argument, struct number *ret)
{
	const struct read_stats *read_stats = subject->item->monitor->read_stats;

	(void)argument;
	return unsigned_number(
		__atomic_load_n(&read_stats->by[subject->reader].count, __ATOMIC_RELAXED), ret);
}

static bool get_read_seconds(const struct subject *subject, size_t argument, struct number *ret)
{
	const struct read_stats *read_stats = subject->item->monitor->read_stats;

	(void)argument;
	return seconds(__atomic_load_n(&read_stats->by[subject->reader].ns, __ATOMIC_RELAXED), ret);
}

static bool get_runs(const struct subject *subject, size_t argument, struct number *ret)
{
	(void)argument;
	return unsigned_number(subject->run_stats->runs, ret);
}

static bool get_run_seconds(const struct subject *subject, size_t argument, struct number *ret)
{
	(void)argument;
	return seconds(subject->run_stats->ns, ret);
}

static bool get_entries(const struct subject *subject, size_t argument, struct number *ret)
{
	uint64_t entries;

	(void)argument;
	return metric_entries(subject->metric, &entries) && unsigned_number(entries, ret);
}

static bool get_capacity(const struct subject *subject, size_t argument, struct number *ret)
{
	(void)argument;
	return unsigned_number(subject->metric->map.max_entries, ret);
}

static bool get_left_out(const struct subject *subject, size_t argument, struct number *ret)
{
	(void)argument;
	return unsigned_number(metric_left_out(subject->metric, subject->reader), ret) && ret->u;
}

#define FACT(member) offsetof(struct facts, member)

/* Rows in expositions must have unique names, because a name is a family there. */
static const struct row rows[] = {
	{ "monitors", NULL, false, OF_PLUGIN, EVERYWHERE, "count", get_fact, FACT(monitors),
	  "Monitors." },
	{ "interfaces_attached", NULL, false, OF_PLUGIN, IN_STATS | IN_COLLECTD, "count", get_fact,
	  FACT(interfaces), "" },
	{ "interfaces_unattached", NULL, false, OF_PLUGIN, IN_STATS | IN_COLLECTD, "count",
	  get_fact, FACT(unattached), "" },
	{ "dataplane_changes", NULL, true, OF_PLUGIN, IN_STATS | IN_COLLECTD, "derive", get_fact,
	  FACT(changes), "" },
	{ "dataplane_failures", NULL, true, OF_PLUGIN, IN_STATS | IN_COLLECTD, "derive", get_fact,
	  FACT(failures), "" },
	{ "events_lost", NULL, true, OF_PLUGIN, EVERYWHERE, "derive", get_counted,
	  SELF_COUNTER_EVENTS_LOST, "Log lines of programs that found no room in their buffer." },
	{ "events_left_out", NULL, true, OF_PLUGIN, EVERYWHERE, "derive", get_counted,
	  SELF_COUNTER_EVENTS_LEFT_OUT, "Log lines of programs that were too many in a second." },
	{ "maps_full", NULL, true, OF_PLUGIN, EVERYWHERE, "derive", get_counted,
	  SELF_COUNTER_MAPS_FULL, "Reads that found a map without room for one more entry." },
	{ "flushes", NULL, true, OF_PLUGIN, EVERYWHERE, "derive", get_counted, SELF_COUNTER_FLUSHES,
	  "Reads of all monitors for collectd, outside of their intervals." },
	{ "requests_refused", NULL, true, OF_PLUGIN, EVERYWHERE, "derive", get_counted,
	  SELF_COUNTER_REQUESTS_REFUSED, "Requests to change a monitor that were refused." },
	{ "feeds", NULL, false, OF_PLUGIN, EVERYWHERE, "count", get_fact, FACT(feeds.feeds),
	  "Feeds." },
	{ "feeds_waiting", NULL, false, OF_PLUGIN, EVERYWHERE, "count", get_fact,
	  FACT(feeds_waiting), "Feeds whose monitor is not there." },
	{ "feed_values", NULL, true, OF_PLUGIN, EVERYWHERE, "derive", get_fact, FACT(feeds.values),
	  "Values that feeds have taken." },
	{ "feed_errors", NULL, true, OF_PLUGIN, EVERYWHERE, "derive", get_fact, FACT(feeds.errors),
	  "Values that could not be put into a map, for each map." },
	{ "interfaces_attached", NULL, false, OF_MONITOR, EVERYWHERE, "count", get_fact,
	  FACT(interfaces), "Interfaces that the monitor's programs are attached to." },
	{ "interfaces_unattached", NULL, false, OF_MONITOR, EVERYWHERE, "count", get_fact,
	  FACT(unattached), "Matching interfaces that the monitor could not be attached to." },
	{ "dataplane_changes", NULL, true, OF_MONITOR, EVERYWHERE, "derive", get_fact,
	  FACT(changes), "Dataplanes put in place: loads, reloads, injections, ejections." },
	{ "dataplane_failures", NULL, true, OF_MONITOR, EVERYWHERE, "derive", get_fact,
	  FACT(failures), "Failures to load the document or to attach to interfaces." },
	{ "dataplane_change_timestamp", "seconds", false, OF_MONITOR, EVERYWHERE, "timestamp",
	  get_changed, FACT(changed), "When a dataplane was put in place last." },
	{ "monitor_failed", NULL, false, OF_MONITOR, EVERYWHERE, "count", get_fact, FACT(failed),
	  "Set to 1 if the dataplane is not loaded, or attached to no interface." },
	{ "dataplane_outdated", NULL, false, OF_MONITOR, EVERYWHERE, "count", get_fact,
	  FACT(outdated), "Set to 1 if the monitor does not run what its document says." },
	{ "reads", NULL, true, OF_READER, EVERYWHERE, "derive", get_reads, 0,
	  "Reads of the monitor's metrics." },
	{ "read", "seconds", true, OF_READER, EVERYWHERE, "total_time_in_ms", get_read_seconds, 0,
	  "Time that these reads took." },
	{ "program_runs", NULL, true, OF_PROGRAM, EVERYWHERE, "derive", get_runs, 0,
	  "How often the programs have run." },
	{ "program_run", "seconds", true, OF_PROGRAM, EVERYWHERE, "total_time_in_ms",
	  get_run_seconds, 0, "How long the programs have run." },
	{ "map_entries", NULL, false, OF_METRIC, EVERYWHERE, "count", get_entries, 0,
	  "Entries of the metric's map: of arrays all, of other maps as the last read found "
	  "them." },
	{ "map_capacity", NULL, false, OF_METRIC, EVERYWHERE, "count", get_capacity, 0,
	  "Entries that the metric's map has room for." },
	{ "series_left_out", NULL, false, OF_METRIC_READER, IN_STATS, "count", get_left_out, 0,
	  "" },
};

/* -- collecting the figures -- */

/* Data collected once for all rows. */
struct census {
	const struct snapshot *snapshot;
	struct facts all;
	struct facts *facts;	 /* by item */
	struct run_stats *stats; /* by item and direction; NULL: statistics are off */
};

static void take_facts(struct monitor *monitor, struct facts *facts)
{
	pthread_mutex_lock(&monitor->state);
	*facts = (struct facts){
		.changes = monitor->changes,
		.failures = monitor->failures,
		.changed = (uint64_t)monitor->changed,
		.failed = monitor_get_state(monitor) == MONITOR_FAILED,
		.outdated = monitor->outdated,
		.unattached = monitor->unattached,
	};
	for (size_t i = 0; i < monitor->n_instances; i++)
		facts->interfaces += instance_is_attached(monitor->instances[i]);
	pthread_mutex_unlock(&monitor->state);
}

static bool has_program(const struct snapshot_item *item, int direction)
{
	return item->monitor && item->generation && item->generation->directions[direction].object;
}

/* Returns true for the first item of a monitor. A monitor's items are adjacent. */
static bool is_first(const struct snapshot *snapshot, size_t i)
{
	return snapshot->items[i].monitor &&
	       (!i || snapshot->items[i].monitor != snapshot->items[i - 1].monitor);
}

static int take_run_stats(struct census *census)
{
	const struct snapshot *snapshot = census->snapshot;

	census->stats = calloc(snapshot->n * N_DIRECTIONS + 1, sizeof(*census->stats));
	if (!census->stats)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n; i++)
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
			if (has_program(&snapshot->items[i], direction))
				census->stats[i * N_DIRECTIONS + direction] = generation_run_stats(
					snapshot->items[i].generation, direction);
	return 0;
}

/* Returns 0 or -ENOMEM. Call census_release() in both cases. */
static int census_init(struct census *census, const struct snapshot *snapshot, bool with_programs)
{
	*census = (struct census){
		.snapshot = snapshot,
		.facts = calloc(snapshot->n + 1, sizeof(*census->facts)),
	};
	if (!census->facts)
		return -ENOMEM;
	if (snapshot->registry) {
		registry_retired(snapshot->registry, &census->all.changes, &census->all.failures);
		registry_feed_stats(snapshot->registry, &census->all.feeds,
				    &census->all.feeds_waiting);
	}
	for (size_t i = 0; i < snapshot->n; i++) {
		struct facts *facts = &census->facts[i];

		if (!is_first(snapshot, i))
			continue;
		take_facts(snapshot->items[i].monitor, facts);
		census->all.monitors++;
		census->all.interfaces += facts->interfaces;
		census->all.unattached += facts->unattached;
		census->all.changes += facts->changes;
		census->all.failures += facts->failures;
	}
	return with_programs && run_stats_are_on() ? take_run_stats(census) : 0;
}

static void census_release(struct census *census)
{
	free(census->facts);
	free(census->stats);
}

struct visitor {
	void (*show)(void *data, const struct row *row, const struct subject *subject,
		     struct number number);
	void *data;
	bool whole; /* only figures with scope OF_PLUGIN */
};

static void visit_row(const struct visitor *visitor, const struct row *row,
		      const struct subject *subject)
{
	struct number number;

	if (row->get(subject, row->argument, &number))
		visitor->show(visitor->data, row, subject, number);
}

static void visit_readers(const struct visitor *visitor, const struct row *row,
			  struct subject subject)
{
	for (subject.reader = 0; subject.reader < READER_COUNT; subject.reader++)
		visit_row(visitor, row, &subject);
}

static void visit_metrics(const struct visitor *visitor, const struct row *row,
			  struct subject subject, const struct generation_direction *direction)
{
	for (size_t i = 0; i < direction->n_metrics; i++) {
		subject.metric = &direction->metrics[i];
		if (row->scope == OF_METRIC_READER)
			visit_readers(visitor, row, subject);
		else
			visit_row(visitor, row, &subject);
	}
}

static void visit_item(const struct visitor *visitor, const struct row *row,
		       const struct census *census, size_t i)
{
	const struct snapshot_item *item = &census->snapshot->items[i];
	struct subject subject = { .item = item, .facts = &census->facts[i] };

	if (row->scope == OF_MONITOR && is_first(census->snapshot, i))
		visit_row(visitor, row, &subject);
	if (row->scope == OF_READER && is_first(census->snapshot, i))
		visit_readers(visitor, row, subject);
	for (enum direction direction = 0; row->scope >= OF_PROGRAM && direction < N_DIRECTIONS;
	     direction++) {
		if (!has_program(item, direction))
			continue;
		subject.direction = direction_name(direction);
		if (row->scope >= OF_METRIC) {
			visit_metrics(visitor, row, subject,
				      &item->generation->directions[direction]);
		} else if (census->stats) {
			subject.run_stats = &census->stats[i * N_DIRECTIONS + direction];
			visit_row(visitor, row, &subject);
		}
	}
}

/* Visits row by row, so that the samples of a family are adjacent. */
static int visit_all(const struct visitor *visitor, unsigned int where,
		     const struct snapshot *snapshot)
{
	_cleanup_(census_release) struct census census;
	int r = census_init(&census, snapshot, !visitor->whole);

	for (size_t n = 0; r == 0 && n < ARRAY_SIZE(rows); n++) {
		const struct row *row = &rows[n];
		const struct subject all = { .facts = &census.all };

		if (!(row->where & where))
			continue;
		if (row->scope == OF_PLUGIN && snapshot->registry)
			visit_row(visitor, row, &all);
		for (size_t i = 0; row->scope != OF_PLUGIN && !visitor->whole && i < snapshot->n;
		     i++)
			visit_item(visitor, row, &census, i);
	}
	return r;
}

static size_t list_labels(const struct row *row, const struct subject *subject,
			  struct value_label labels[LABELS])
{
	const struct snapshot_item *item = subject->item;
	size_t n = 0;

	if (row->scope >= OF_MONITOR)
		labels[n++] = (struct value_label){ "monitor", item->monitor->name };
	if (row->scope >= OF_PROGRAM) {
		labels[n++] = (struct value_label){ "interface", item->interface };
		labels[n++] = (struct value_label){ "direction", subject->direction };
	}
	if (row->scope >= OF_METRIC)
		labels[n++] = (struct value_label){ "metric", subject->metric->config->name };
	if (row->scope == OF_READER || row->scope == OF_METRIC_READER)
		labels[n++] = (struct value_label){ "reader", reader_kind_name(subject->reader) };
	return n;
}

/* -- as text -- */

struct listing {
	struct exposer *exposer;
	bool families;
	const struct row *row; /* the last one */
	struct text *out;
};

static void list(void *data, const struct row *row, const struct subject *subject,
		 struct number number)
{
	struct listing *listing = data;
	_cleanup_text_ struct text name = {};
	struct value_label labels[LABELS];
	size_t n = list_labels(row, subject, labels);

	text_printf(&name, "%s%s%s%s%s", listing->families ? SELF_COUNTER_PREFIX : "", row->name,
		    row->unit ? "_" : "", row->unit ? row->unit : "",
		    listing->families && row->counter ? "_total" : "");
	if (listing->families && listing->row != row)
		exposer_family(listing->exposer, text_str(&name),
			       row->counter ? METRIC_COUNTER : METRIC_GAUGE, row->unit, row->help,
			       listing->out);
	listing->row = row;
	exposer_sample(listing->exposer, text_str(&name), labels, n, number, listing->out);
}

int self_metrics_list(const struct snapshot *snapshot, struct text *out)
{
	struct exposer text = { .exposition = EXPOSITION_PROMETHEUS };
	struct listing listing = { .exposer = &text, .out = out };

	return visit_all(&(struct visitor){ list, &listing, false }, IN_STATS, snapshot);
}

int self_metrics_expose(const struct snapshot *snapshot, struct exposer *exposer, struct text *out)
{
	struct listing listing = { .exposer = exposer, .families = true, .out = out };

	return visit_all(&(struct visitor){ list, &listing, false }, IN_EXPOSITION, snapshot);
}

/* -- as JSON -- */

struct array {
	struct text *out;
	size_t n;
};

static void give_json(void *data, const struct row *row, const struct subject *subject,
		      struct number number)
{
	struct array *array = data;
	struct text *out = array->out;
	struct value_label labels[LABELS];
	size_t n = list_labels(row, subject, labels);

	text_printf(out, "%s{\"name\":\"%s%s%s\"", array->n++ ? "," : "", row->name,
		    row->unit ? "_" : "", row->unit ? row->unit : "");
	for (size_t i = 0; i < n; i++) {
		text_printf(out, ",\"%s\":", labels[i].name);
		text_json(out, labels[i].value, strlen(labels[i].value));
	}
	text_adds(out, ",\"value\":");
	number_text(number, out);
	text_addc(out, '}');
}

int self_metrics_json(const struct snapshot *snapshot, struct text *out)
{
	struct array array = { out, 0 };
	const struct visitor visitor = { give_json, &array, snapshot->registry != NULL };
	int r;

	text_addc(out, '[');
	r = visit_all(&visitor, IN_STATS, snapshot);
	text_addc(out, ']');
	return r;
}

/* -- as collectd values -- */

struct reading {
	void (*sink)(void *data, const struct value *value);
	void *data;
};

/* The type instance consists of the name and all label values that are not empty. */
static void give_row(void *data, const struct row *row, const struct subject *subject,
		     struct number number)
{
	const struct reading *reading = data;
	_cleanup_text_ struct text name = {};
	struct value_label labels[LABELS];
	struct value value = {
		.metric = row->name,
		.type = row->type,
		.number = number,
		.labels = labels,
		.n_labels = list_labels(row, subject, labels),
	};

	text_adds(&name, row->name);
	for (size_t i = 0; i < value.n_labels; i++)
		text_printf(&name, "%s%s", *labels[i].value ? "-" : "", labels[i].value);
	value_field(text_str(&name), name.len, value.type_instance);
	if (row->unit && row->counter) /* collectd's counters are integers: milliseconds */
		value.number.f *= 1e3;
	reading->sink(reading->data, &value);
}

int self_metrics_read(const struct snapshot *snapshot,
		      void (*sink)(void *data, const struct value *value), void *data)
{
	struct reading reading = { sink, data };

	return visit_all(&(struct visitor){ give_row, &reading, false }, IN_COLLECTD, snapshot);
}
