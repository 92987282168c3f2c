/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/self_metrics.h"
#include "base/json_writer.h"
#include "base/self_counter.h"
#include "export/text_encoder.h"
#include "monitor/registry.h"

#include <errno.h>
#include <string.h>

#define SELF_LABELS_MAX 5

/* A value that does not exist: its sample is omitted. */
#define ABSENT UINT64_MAX

/* The values of one subject, for example of a monitor. Those of other scopes are not set. */
struct self_values {
	/* -- of a monitor, or the sums over all monitors -- */
	uint64_t monitors;
	uint64_t interfaces; /* with attached programs */
	uint64_t unattached; /* matching interfaces without attached programs */
	uint64_t changes;    /* dataplanes put in place */
	uint64_t failures;
	uint64_t changed;  /* seconds since 1970, or absent */
	uint64_t failed;   /* 1: the dataplane runs nowhere */
	uint64_t outdated; /* 1: it does not run its document */
	/* -- of the plugin -- */
	struct feed_stats feeds;
	uint64_t feeds_waiting;
	uint64_t counters[SELF_COUNTER_COUNT];
	/* -- of a reader of a monitor -- */
	uint64_t reads, read_ns;
	/* -- of the programs of a direction -- */
	struct run_stats programs;
	/* -- of a metric -- */
	uint64_t entries; /* or absent */
	uint64_t capacity;
	uint64_t left_out; /* of a reader; or absent */
};

/* The scopes from SCOPE_PROGRAM on include an interface and a direction. */
enum scope {
	SCOPE_PLUGIN,
	SCOPE_MONITOR,
	SCOPE_READER,
	SCOPE_PROGRAM,
	SCOPE_METRIC,
	SCOPE_METRIC_READER
};

/* The outputs that show a row. Scrapers compute sums over monitors themselves. */
enum { IN_STATS = 1, IN_EXPOSITION = 2, IN_COLLECTD = 4, EVERYWHERE = 7 };

struct row {
	const char *name; /* without the unit */
	const char *unit; /* NULL: none; a counter of seconds has its value in nanoseconds */
	bool counter;
	enum scope scope;
	unsigned int where;
	const char *type; /* type in collectd's types.db */
	size_t offset;	  /* of a uint64_t in struct self_values */
	const char *help;
};

#define VALUE(member) offsetof(struct self_values, member)

/* Rows in expositions must have unique names, because a name is a family there. */
static const struct row rows[] = {
	{ "monitors", NULL, false, SCOPE_PLUGIN, EVERYWHERE, "count", VALUE(monitors),
	  "Monitors." },
	{ "interfaces_attached", NULL, false, SCOPE_PLUGIN, IN_STATS | IN_COLLECTD, "count",
	  VALUE(interfaces), "" },
	{ "interfaces_unattached", NULL, false, SCOPE_PLUGIN, IN_STATS | IN_COLLECTD, "count",
	  VALUE(unattached), "" },
	{ "dataplane_changes", NULL, true, SCOPE_PLUGIN, IN_STATS | IN_COLLECTD, "derive",
	  VALUE(changes), "" },
	{ "dataplane_failures", NULL, true, SCOPE_PLUGIN, IN_STATS | IN_COLLECTD, "derive",
	  VALUE(failures), "" },
	{ "events_lost", NULL, true, SCOPE_PLUGIN, EVERYWHERE, "derive",
	  VALUE(counters[SELF_COUNTER_EVENTS_LOST]),
	  "Log lines of programs that found no room in their buffer." },
	{ "events_left_out", NULL, true, SCOPE_PLUGIN, EVERYWHERE, "derive",
	  VALUE(counters[SELF_COUNTER_EVENTS_LEFT_OUT]),
	  "Log lines of programs that were too many in a second." },
	{ "maps_full", NULL, true, SCOPE_PLUGIN, EVERYWHERE, "derive",
	  VALUE(counters[SELF_COUNTER_MAPS_FULL]),
	  "Reads that found a map without room for one more entry." },
	{ "flushes", NULL, true, SCOPE_PLUGIN, EVERYWHERE, "derive",
	  VALUE(counters[SELF_COUNTER_FLUSHES]),
	  "Reads of all monitors for collectd, outside of their intervals." },
	{ "requests_refused", NULL, true, SCOPE_PLUGIN, EVERYWHERE, "derive",
	  VALUE(counters[SELF_COUNTER_REQUESTS_REFUSED]),
	  "Requests to change a monitor that were refused." },
	{ "feeds", NULL, false, SCOPE_PLUGIN, EVERYWHERE, "count", VALUE(feeds.feeds), "Feeds." },
	{ "feeds_waiting", NULL, false, SCOPE_PLUGIN, EVERYWHERE, "count", VALUE(feeds_waiting),
	  "Feeds whose monitor does not exist." },
	{ "feed_values", NULL, true, SCOPE_PLUGIN, EVERYWHERE, "derive", VALUE(feeds.values),
	  "Values that feeds have received." },
	{ "feed_errors", NULL, true, SCOPE_PLUGIN, EVERYWHERE, "derive", VALUE(feeds.errors),
	  "Values that could not be put into a map, for each map." },
	{ "interfaces_attached", NULL, false, SCOPE_MONITOR, EVERYWHERE, "count", VALUE(interfaces),
	  "Interfaces that the monitor's programs are attached to." },
	{ "interfaces_unattached", NULL, false, SCOPE_MONITOR, EVERYWHERE, "count",
	  VALUE(unattached), "Matching interfaces that the monitor could not be attached to." },
	{ "dataplane_changes", NULL, true, SCOPE_MONITOR, EVERYWHERE, "derive", VALUE(changes),
	  "Dataplanes put in place: loads, reloads, injections, ejections." },
	{ "dataplane_failures", NULL, true, SCOPE_MONITOR, EVERYWHERE, "derive", VALUE(failures),
	  "Failures to load the document or to attach to interfaces." },
	{ "dataplane_change_timestamp", "seconds", false, SCOPE_MONITOR, EVERYWHERE, "timestamp",
	  VALUE(changed), "When a dataplane was put in place last." },
	{ "monitor_failed", NULL, false, SCOPE_MONITOR, EVERYWHERE, "count", VALUE(failed),
	  "Set to 1 if the dataplane is not loaded, or attached to no interface." },
	{ "dataplane_outdated", NULL, false, SCOPE_MONITOR, EVERYWHERE, "count", VALUE(outdated),
	  "Set to 1 if the monitor does not run what its document says." },
	{ "reads", NULL, true, SCOPE_READER, EVERYWHERE, "derive", VALUE(reads),
	  "Reads of the monitor's metrics." },
	{ "read", "seconds", true, SCOPE_READER, EVERYWHERE, "total_time_in_ms", VALUE(read_ns),
	  "Time that these reads took." },
	{ "program_runs", NULL, true, SCOPE_PROGRAM, EVERYWHERE, "derive", VALUE(programs.runs),
	  "How often the programs have run." },
	{ "program_run", "seconds", true, SCOPE_PROGRAM, EVERYWHERE, "total_time_in_ms",
	  VALUE(programs.ns), "How long the programs have run." },
	{ "map_entries", NULL, false, SCOPE_METRIC, EVERYWHERE, "count", VALUE(entries),
	  "Entries of the metric's map: of arrays all, of other maps as the last read found "
	  "them." },
	{ "map_capacity", NULL, false, SCOPE_METRIC, EVERYWHERE, "count", VALUE(capacity),
	  "Entries that the metric's map has room for." },
	{ "series_left_out", NULL, false, SCOPE_METRIC_READER, IN_STATS, "count", VALUE(left_out),
	  "" },
};

/* -- collecting the values -- */

/* Data collected once for all rows, so that they agree. */
struct collected {
	const struct snapshot *snapshot;
	struct self_values all;
	struct self_values *monitors; /* by item, set for the first one of a monitor */
	struct run_stats *run_stats;  /* by item and direction; NULL: statistics are off */
};

static void collect_monitor(struct monitor *monitor, struct self_values *values)
{
	pthread_mutex_lock(&monitor->state);
	*values = (struct self_values){
		.changes = monitor->changes,
		.failures = monitor->failures,
		.changed = monitor->changed ? (uint64_t)monitor->changed : ABSENT,
		.failed = monitor_get_state(monitor) == MONITOR_FAILED,
		.outdated = monitor->outdated,
		.unattached = monitor->unattached,
	};
	for (size_t i = 0; i < monitor->n_instances; i++)
		values->interfaces += instance_is_attached(monitor->instances[i]);
	pthread_mutex_unlock(&monitor->state);
}

static bool has_program(const struct snapshot_item *item, enum direction direction)
{
	return item->monitor && item->generation && item->generation->directions[direction].object;
}

/* Returns true for the first item of a monitor. A monitor's items are adjacent. */
static bool is_first(const struct snapshot *snapshot, size_t i)
{
	return snapshot->items[i].monitor &&
	       (!i || snapshot->items[i].monitor != snapshot->items[i - 1].monitor);
}

/* Returns 0 or -ENOMEM. Call collected_release() in both cases. */
static int collected_init(struct collected *collected, const struct snapshot *snapshot,
			  bool with_programs)
{
	struct self_values *all = &collected->all;

	*collected = (struct collected){
		.snapshot = snapshot,
		.monitors = calloc(snapshot->n + 1, sizeof(*collected->monitors)),
	};
	if (!collected->monitors)
		return -ENOMEM;
	if (snapshot->registry) {
		registry_retired(snapshot->registry, &all->changes, &all->failures);
		registry_feed_stats(snapshot->registry, &all->feeds, &all->feeds_waiting);
		for (enum self_counter i = 0; i < SELF_COUNTER_COUNT; i++)
			all->counters[i] = self_counter_get(i);
	}
	for (size_t i = 0; i < snapshot->n; i++) {
		struct self_values *values = &collected->monitors[i];

		if (!is_first(snapshot, i))
			continue;
		collect_monitor(snapshot->items[i].monitor, values);
		all->monitors++;
		all->interfaces += values->interfaces;
		all->unattached += values->unattached;
		all->changes += values->changes;
		all->failures += values->failures;
	}
	if (!with_programs || !run_stats_are_on())
		return 0;
	collected->run_stats =
		calloc(snapshot->n * N_DIRECTIONS + 1, sizeof(*collected->run_stats));
	if (!collected->run_stats)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n; i++)
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
			if (has_program(&snapshot->items[i], direction))
				collected->run_stats[i * N_DIRECTIONS + direction] =
					generation_run_stats(snapshot->items[i].generation,
							     direction);
	return 0;
}

static void collected_release(struct collected *collected)
{
	free(collected->monitors);
	free(collected->run_stats);
}

/* -- visiting the rows -- */

struct visitor {
	void (*show)(void *data, const struct row *row, const struct value_label *labels,
		     size_t n_labels, struct number number);
	void *data;
	bool whole; /* only rows with SCOPE_PLUGIN */
};

/* The subject of a sample. Members outside the row's scope are not set. */
struct subject {
	const struct snapshot_item *item;
	enum direction direction;
	const struct metric *metric;
	struct self_values values;
};

/* Shows a row for a subject. reader: NULL unless the scope includes a reader. */
static void visit_row(const struct visitor *visitor, const struct row *row,
		      const struct subject *subject, const char *reader)
{
	uint64_t value = *(const uint64_t *)((const char *)&subject->values + row->offset);
	struct number number = { NUMBER_UNSIGNED, .u = value };
	struct value_label labels[SELF_LABELS_MAX];
	size_t n = 0;

	if (value == ABSENT)
		return;
	if (row->unit && row->counter)
		number = (struct number){ NUMBER_FLOAT, .f = (double)value * 1e-9 };
	if (row->scope >= SCOPE_MONITOR)
		labels[n++] = (struct value_label){ "monitor", subject->item->monitor->name };
	if (row->scope >= SCOPE_PROGRAM) {
		labels[n++] = (struct value_label){ "interface", subject->item->interface };
		labels[n++] =
			(struct value_label){ "direction", direction_name(subject->direction) };
	}
	if (row->scope >= SCOPE_METRIC)
		labels[n++] = (struct value_label){ "metric", subject->metric->config->name };
	if (reader)
		labels[n++] = (struct value_label){ "reader", reader };
	visitor->show(visitor->data, row, labels, n, number);
}

static void visit_metric(const struct visitor *visitor, const struct row *row,
			 struct subject *subject)
{
	const struct metric *metric = subject->metric;
	struct self_values *values = &subject->values;

	if (row->scope == SCOPE_METRIC) {
		values->capacity = metric->map.max_entries;
		if (!metric_entries(metric, &values->entries))
			values->entries = ABSENT;
		visit_row(visitor, row, subject, NULL);
		return;
	}
	for (enum reader_kind reader = 0; reader < READER_COUNT; reader++) {
		values->left_out = metric_left_out(metric, reader);
		if (!values->left_out)
			values->left_out = ABSENT;
		visit_row(visitor, row, subject, reader_kind_name(reader));
	}
}

static void visit_readers(const struct visitor *visitor, const struct row *row,
			  struct subject *subject)
{
	const struct read_stats *read_stats = subject->item->monitor->read_stats;

	for (enum reader_kind reader = 0; reader < READER_COUNT; reader++) {
		subject->values.reads =
			__atomic_load_n(&read_stats->by[reader].count, __ATOMIC_RELAXED);
		subject->values.read_ns =
			__atomic_load_n(&read_stats->by[reader].ns, __ATOMIC_RELAXED);
		visit_row(visitor, row, subject, reader_kind_name(reader));
	}
}

static void visit_item(const struct visitor *visitor, const struct row *row,
		       const struct collected *collected, size_t i)
{
	const struct snapshot_item *item = &collected->snapshot->items[i];
	struct subject subject = { .item = item, .values = collected->monitors[i] };
	struct snapshot_metric each = {};

	if (row->scope == SCOPE_MONITOR && is_first(collected->snapshot, i))
		visit_row(visitor, row, &subject, NULL);
	if (row->scope == SCOPE_READER && is_first(collected->snapshot, i))
		visit_readers(visitor, row, &subject);
	for (enum direction direction = 0;
	     row->scope == SCOPE_PROGRAM && collected->run_stats && direction < N_DIRECTIONS;
	     direction++) {
		subject.direction = direction;
		subject.values.programs = collected->run_stats[i * N_DIRECTIONS + direction];
		if (has_program(item, direction))
			visit_row(visitor, row, &subject, NULL);
	}
	while (row->scope >= SCOPE_METRIC && snapshot_item_next_metric(item, &each)) {
		subject.direction = each.direction;
		subject.metric = each.metric;
		if (has_program(item, each.direction))
			visit_metric(visitor, row, &subject);
	}
}

/* Visits row by row, so that the samples of a family are adjacent. */
static int visit_all(const struct visitor *visitor, unsigned int where,
		     const struct snapshot *snapshot)
{
	_cleanup_(collected_release) struct collected collected;
	int r = collected_init(&collected, snapshot, !visitor->whole);

	for (size_t n = 0; r == 0 && n < ARRAY_SIZE(rows); n++) {
		const struct row *row = &rows[n];
		const struct subject all = { .values = collected.all };

		if (!(row->where & where))
			continue;
		if (row->scope == SCOPE_PLUGIN && snapshot->registry)
			visit_row(visitor, row, &all, NULL);
		for (size_t i = 0; row->scope != SCOPE_PLUGIN && !visitor->whole && i < snapshot->n;
		     i++)
			visit_item(visitor, row, &collected, i);
	}
	return r;
}

/* -- as text -- */

struct exposure {
	struct encoder *encoder;
	bool families;
	const struct row *row; /* the last one */
	struct text *out;
};

static void show_sample(void *data, const struct row *row, const struct value_label *labels,
			size_t n_labels, struct number number)
{
	struct exposure *exposure = data;
	const struct encoding *encoding = exposure->encoder->encoding;
	_cleanup_text_ struct text name = {};

	text_printf(&name, "%s%s%s%s%s", exposure->families ? SELF_METRICS_PREFIX : "", row->name,
		    row->unit ? "_" : "", row->unit ? row->unit : "",
		    exposure->families && row->counter ? "_total" : "");
	if (exposure->families && exposure->row != row)
		encoding->family(exposure->encoder, text_str(&name),
				 row->counter ? METRIC_COUNTER : METRIC_GAUGE, row->unit, row->help,
				 exposure->out);
	exposure->row = row;
	encoding->sample(exposure->encoder, text_str(&name), labels, n_labels, number,
			 exposure->out);
}

int self_metrics_list(const struct snapshot *snapshot, struct text *out)
{
	_cleanup_(encoder_freep) struct encoder *encoder =
		encoding_prometheus.new(&encoding_prometheus);
	struct exposure exposure = { .encoder = encoder, .out = out };

	if (!encoder)
		return -ENOMEM;
	return visit_all(&(struct visitor){ show_sample, &exposure, false }, IN_STATS, snapshot);
}

int self_metrics_expose(const struct snapshot *snapshot, struct encoder *encoder, struct text *out)
{
	struct exposure exposure = { .encoder = encoder, .families = true, .out = out };

	return visit_all(&(struct visitor){ show_sample, &exposure, false }, IN_EXPOSITION,
			 snapshot);
}

/* -- as JSON -- */

static void show_json(void *data, const struct row *row, const struct value_label *labels,
		      size_t n_labels, struct number number)
{
	struct json_writer *json = data;

	json_object_begin(json);
	json_key(json, "name");
	text_printf(json_value(json), "\"%s%s%s\"", row->name, row->unit ? "_" : "",
		    row->unit ? row->unit : "");
	for (size_t i = 0; i < n_labels; i++)
		json_member_string(json, labels[i].name, labels[i].value);
	json_key(json, "value");
	number_text(number, json_value(json));
	json_object_end(json);
}

int self_metrics_json(const struct snapshot *snapshot, struct json_writer *json)
{
	const struct visitor visitor = { show_json, json, snapshot->registry != NULL };
	int r;

	json_array_begin(json);
	r = visit_all(&visitor, IN_STATS, snapshot);
	json_array_end(json);
	return r;
}

/* -- as collectd values -- */

struct dispatch {
	void (*sink)(void *data, const struct value *value);
	void *data;
};

/* The type instance consists of the name and all label values that are not empty. */
static void show_value(void *data, const struct row *row, const struct value_label *labels,
		       size_t n_labels, struct number number)
{
	const struct dispatch *dispatch = data;
	_cleanup_text_ struct text name = {};
	struct value value = {
		.metric = row->name,
		.type = row->type,
		.numbers = { number },
		.n_numbers = 1,
		.labels = labels,
		.n_labels = n_labels,
	};

	text_adds(&name, row->name);
	for (size_t i = 0; i < n_labels; i++)
		text_printf(&name, "%s%s", *labels[i].value ? "-" : "", labels[i].value);
	value_field(text_str(&name), name.len, value.type_instance);
	if (row->unit && row->counter) /* collectd's counters are integers: milliseconds */
		value.numbers[0].f *= 1e3;
	dispatch->sink(dispatch->data, &value);
}

int self_metrics_read(const struct snapshot *snapshot,
		      void (*sink)(void *data, const struct value *value), void *data)
{
	struct dispatch dispatch = { sink, data };

	return visit_all(&(struct visitor){ show_value, &dispatch, false }, IN_COLLECTD, snapshot);
}
