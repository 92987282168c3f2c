/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collectd.h"
#include "plugin.h"
#include "utils/common/common.h"

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/self_counter.h"
#include "collectd/dispatcher.h"
#include "collectd/notifier.h"
#include "collectd/value_cache.h"
#include "collectd/write_queue.h"
#include "export/self_metrics.h"
#include "export/values.h"
#include "monitor/swap_read.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#define PLUGIN "dynmon"

/*
 * The unit of reading: a monitor, or the self metrics. collectd's callback holds one reference,
 * each flush holds another one.
 */
struct reader {
	char *monitor; /* NULL for the self metrics */
	char *label;   /* for messages */
	uint64_t serial;
	cdtime_t interval;
	struct write_queue_observer *observer;
	/* -- owned by the thread that has the turn -- */
	struct text types_logged; /* metrics with an unusable type that were logged, one per line */
	bool failure_logged;	  /* a failed read was logged */
	bool failed;		  /* the current read has failed */
	cdtime_t time;		  /* of the current read, or else of the last read */
	size_t sent;		  /* number of values of that read */
	/* -- protected by dispatcher.lock -- */
	unsigned int refs;
	bool busy; /* a thread has the turn */
	struct reader *next;
};

static struct {
	pthread_mutex_t lock; /* never held during a call of collectd */
	pthread_cond_t free;  /* signaled when a turn or the last flush ends */
	/* -- protected by lock -- */
	struct registry *registry; /* NULL: do nothing */
	struct reader *readers;	   /* readers registered with collectd */
	unsigned int flushes;	   /* in progress */
	/* -- constant after the start -- */
	plugin_ctx_t context;
	/* -- atomic -- */
	_Atomic bool self_metrics; /* dispatch them */
} dispatcher = { .lock = PTHREAD_MUTEX_INITIALIZER, .free = PTHREAD_COND_INITIALIZER };

/* This thread has flushed the plugin's own values and is flushing the other plugins. */
static __thread bool flushing;

/* -- readers -- */

static void reader_delete(struct reader *reader)
{
	write_queue_free(reader->observer);
	free(reader->monitor);
	free(reader->label);
	text_release(&reader->types_logged);
	free(reader);
}

static void reader_unref(struct reader *reader)
{
	unsigned int left;

	pthread_mutex_lock(&dispatcher.lock);
	left = --reader->refs;
	pthread_mutex_unlock(&dispatcher.lock);
	if (!left)
		reader_delete(reader);
}

/* Removes a reader from the list, if listed: the given reader, or the reader of the monitor. */
static void unlink_reader(const struct reader *reader, const struct monitor *monitor)
{
	struct reader **at = &dispatcher.readers;

	pthread_mutex_lock(&dispatcher.lock);
	while (*at && *at != reader &&
	       !(monitor && (*at)->monitor && (*at)->serial == monitor->serial))
		at = &(*at)->next;
	if (*at)
		*at = (*at)->next;
	pthread_mutex_unlock(&dispatcher.lock);
}

/*
 * collectd calls this function when it no longer calls the reader: some time after the monitor was
 * removed, or before shutdown.
 */
static void reader_free(void *data)
{
	unlink_reader(data, NULL);
	reader_unref(data);
}

/* monitor: NULL for the self metrics. Returns NULL if memory ran out. */
static struct reader *reader_new(const struct monitor *monitor, double seconds)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->refs = 1;
	reader->interval = seconds > 0 ? DOUBLE_TO_CDTIME_T(seconds) : plugin_get_interval();
	reader->serial = monitor ? monitor->serial : 0;
	reader->monitor = monitor ? strdup(monitor->name) : NULL;
	if (asprintf(&reader->label, monitor ? "monitor %s" : "self metrics", reader->monitor) < 0)
		reader->label = NULL;
	reader->observer = write_queue_new();
	if ((monitor && !reader->monitor) || !reader->label || !reader->observer) {
		reader_delete(reader);
		return NULL;
	}
	pthread_mutex_lock(&dispatcher.lock);
	reader->next = dispatcher.readers;
	dispatcher.readers = reader;
	pthread_mutex_unlock(&dispatcher.lock);
	return reader;
}

/* Takes the turn. Waits until a CLOCK_MONOTONIC time; NULL: does not wait. Returns 0 or -EBUSY. */
static int turn_begin(struct reader *reader, const struct timespec *until)
{
	int r = 0;

	pthread_mutex_lock(&dispatcher.lock);
	while (reader->busy && until && r == 0)
		r = pthread_cond_clockwait(&dispatcher.free, &dispatcher.lock, CLOCK_MONOTONIC,
					   until);
	r = reader->busy ? -EBUSY : 0;
	reader->busy = true;
	pthread_mutex_unlock(&dispatcher.lock);
	return r;
}

static void turn_end(struct reader *reader)
{
	pthread_mutex_lock(&dispatcher.lock);
	reader->busy = false;
	pthread_cond_broadcast(&dispatcher.free);
	pthread_mutex_unlock(&dispatcher.lock);
}

/* -- values -- */

static value_t value_from_number(struct number number, int ds_type)
{
	double d = number_double(number);
	bool is_float = number.kind == NUMBER_FLOAT;
	uint64_t u = is_float ? (d >= 0 && d < 0x1p64 ? (uint64_t)d : 0) : number.u;
	int64_t i = is_float && d < 0 ? (d > -0x1p63 ? (int64_t)d : INT64_MIN) : (int64_t)u;

	switch (ds_type) {
	case DS_TYPE_COUNTER:
		return (value_t){ .counter = u };
	case DS_TYPE_DERIVE:
		return (value_t){ .derive = i };
	case DS_TYPE_ABSOLUTE:
		return (value_t){ .absolute = u };
	default:
		return (value_t){ .gauge = d };
	}
}

/* Logs once per metric what is wrong with its type. */
static void log_type(struct reader *reader, const struct value *value, const char *fault)
{
	_cleanup_text_ struct text line = {};

	text_printf(&line, "\n%s\n", value->metric);
	if (strstr(text_str(&reader->types_logged), text_str(&line)))
		return;
	text_add(&reader->types_logged, line.data, line.len);
	log_error("%s: metric \"%s\": type \"%s\" %s", reader->label, value->metric, value->type,
		  fault);
}

/* Returns NULL if the type has a data source for each number: one, or the counters rx and tx. */
static const char *unusable_type(const data_set_t *ds, const struct value *value)
{
	static const char *const names[] = { "rx", "tx" };

	if (!ds)
		return "is not in types.db";
	if (value->n_numbers == 1)
		return ds->ds_num == 1
			       ? NULL
			       : "has several data sources; choose a type with one, or one of "
				 "if_packets, if_octets, if_errors and if_dropped";
	for (size_t i = 0; i < value->n_numbers; i++)
		if (ds->ds_num != value->n_numbers || strcmp(ds->ds[i].name, names[i]) != 0 ||
		    ds->ds[i].type == DS_TYPE_GAUGE)
			return "has other data sources than rx and tx of type DERIVE";
	return NULL;
}

static void dispatch(void *data, const struct value *value)
{
	struct reader *reader = data;
	const data_set_t *ds = plugin_get_ds(value->type);
	value_list_t list = VALUE_LIST_INIT;
	const char *fault = unusable_type(ds, value);
	value_t numbers[ARRAY_SIZE(value->numbers)];

	if (fault) {
		log_type(reader, value, fault);
		return;
	}
	if (value->is_gauge && ds->ds[0].type != DS_TYPE_GAUGE)
		log_type(reader, value,
			 "is for counters: collectd stores the rate of the gauge, without "
			 "fractions");
	for (size_t i = 0; i < value->n_numbers; i++)
		numbers[i] = value_from_number(value->numbers[i], ds->ds[i].type);
	list.values = numbers;
	list.values_len = value->n_numbers;
	list.time = reader->time;
	list.interval = reader->interval;
	sstrncpy(list.plugin, PLUGIN, sizeof(list.plugin));
	sstrncpy(list.plugin_instance, value->plugin_instance, sizeof(list.plugin_instance));
	sstrncpy(list.type, value->type, sizeof(list.type));
	sstrncpy(list.type_instance, value->type_instance, sizeof(list.type_instance));
	/* Labels are metadata for write plugins. collectd copies the metadata. */
	list.meta = value->n_labels ? meta_data_create() : NULL;
	for (size_t i = 0; list.meta && i < value->n_labels; i++)
		meta_data_add_string(list.meta, value->labels[i].name, value->labels[i].value);
	if (plugin_dispatch_values(&list) == 0)
		reader->sent++;
	meta_data_destroy(list.meta);
}

static void log_failed_read(void *data, const struct error *err)
{
	struct reader *reader = data;

	if (!reader->failure_logged)
		log_error("%s", error_message(err));
	reader->failure_logged = true;
	reader->failed = true;
}

/* The caller has the turn. */
static void reader_read(struct reader *reader, struct registry *registry)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	uint64_t start = clock_now_ns();

	if (!reader->monitor && !dispatcher.self_metrics)
		return;
	if (registry_snapshot(registry, reader->monitor, &snapshot, NULL) < 0)
		return;
	if (reader->monitor)
		snapshot_collect(&snapshot);
	reader->time = write_queue_begin(reader->observer);
	reader->sent = 0;
	reader->failed = false;
	if (!reader->monitor)
		self_metrics_read(&snapshot, dispatch, reader);
	for (size_t i = 0; reader->monitor && i < snapshot.n; i++)
		values_read(&snapshot.items[i], dispatch, log_failed_read, reader);
	write_queue_end(reader->observer, reader->sent);
	if (!reader->failed)
		reader->failure_logged = false;
	if (!reader->monitor)
		return;
	snapshot_note_read(&snapshot, READER_COLLECTD);
	if (snapshot.n)
		read_stats_add(snapshot.items[0].monitor->read_stats, READER_COLLECTD, 0,
			       clock_now_ns() - start);
}

/*
 * After a late read collectd reads again at once. collectd's write threads might pass two values so
 * close to its cache in the wrong order, and the cache rejects the older one as too old.
 */
static bool was_just_read(const struct reader *reader)
{
	return reader->time && cdtime() - reader->time < reader->interval / 10;
}

/*
 * The registry outlives the read threads. Always returns 0: collectd would double the interval of a
 * failed read.
 */
static int dispatcher_read(user_data_t *user_data)
{
	struct reader *reader = user_data->data;
	struct registry *registry;

	if (!reader->monitor)
		notifier_run();
	pthread_mutex_lock(&dispatcher.lock);
	registry = dispatcher.registry;
	pthread_mutex_unlock(&dispatcher.lock);
	if (!registry || turn_begin(reader, NULL) < 0)
		return 0;
	if (!was_just_read(reader))
		reader_read(reader, registry);
	turn_end(reader);
	return 0;
}

/* -- flush -- */

/* Reads all monitors whose last read is at least timeout old. */
static int flush_own(cdtime_t timeout, const char *identifier, struct error *err)
{
	const struct timespec until =
		clock_timespec(clock_now_ns() + DISPATCHER_SECONDS_MAX * CLOCK_NS_PER_S);
	_cleanup_free_ struct reader **readers = NULL;
	struct registry *registry;
	size_t n = 0;
	int r = 0;

	if (identifier && !value_cache_is_ours(identifier))
		return 0;
	pthread_mutex_lock(&dispatcher.lock);
	registry = dispatcher.registry;
	if (registry)
		dispatcher.flushes++;
	/* The self metrics were registered first, and are therefore last. */
	for (struct reader *reader = registry ? dispatcher.readers : NULL; reader && r == 0;
	     reader = reader->next) {
		struct reader **slot = array_append(readers, n);

		if (slot) {
			reader->refs++;
			*slot = reader;
		} else {
			r = error_oom(err);
		}
	}
	pthread_mutex_unlock(&dispatcher.lock);
	for (size_t i = 0; i < n; i++) {
		struct reader *reader = readers[i];

		if (turn_begin(reader, &until) < 0) {
			r = error_set(err, -EBUSY, "%s: another read takes more than %d s",
				      reader->label, DISPATCHER_SECONDS_MAX);
		} else {
			bool due = !timeout || reader->time + timeout <= cdtime();

			if (due && !reader->monitor)
				self_counter_add(SELF_COUNTER_FLUSHES, 1);
			if (due)
				reader_read(reader, registry);
			turn_end(reader);
		}
		reader_unref(reader);
	}
	if (!registry)
		return 0;
	pthread_mutex_lock(&dispatcher.lock);
	dispatcher.flushes--;
	pthread_cond_broadcast(&dispatcher.free);
	pthread_mutex_unlock(&dispatcher.lock);
	return r;
}

/* Called by collectd for FLUSH on unixsock's socket, SIGUSR1, FlushInterval, and at shutdown. */
static int dispatcher_flush_callback(cdtime_t timeout, const char *identifier,
				     user_data_t *user_data)
{
	_cleanup_error_ struct error err = {};
	int r;

	(void)user_data;
	if (flushing)
		return 0;
	r = flush_own(timeout, identifier, &err);
	if (r < 0)
		log_error("flush: %s", error_message(&err));
	return r;
}

int dispatcher_flush(void *data, const char *plugin, double timeout, const char *identifier,
		     struct error *err)
{
	bool own = !plugin || !strcmp(plugin, PLUGIN);
	cdtime_t age = DOUBLE_TO_CDTIME_T(timeout);
	int r = 0, passed;

	(void)data;
	plugin_set_ctx(dispatcher.context);
	if (own)
		r = flush_own(age, identifier, err);
	if (plugin && own)
		return r;
	/* The write plugins now write all values that they hold, including these values. */
	passed = own ? write_queue_wait(r < 0 ? NULL : err) : 0;
	flushing = true;
	plugin_flush(plugin, age, identifier);
	flushing = false;
	return r < 0 ? r : passed;
}

/* -- adding and removing monitors -- */

static void reader_name(const struct monitor *monitor, char *name, size_t size)
{
	/* The serial makes the name unique if a monitor is removed and added again. */
	snprintf(name, size, PLUGIN "-%s-%llu", monitor->name, (unsigned long long)monitor->serial);
}

void dispatcher_add(void *data, struct monitor *monitor)
{
	_cleanup_(monitor_settings_unrefp) struct monitor_settings *settings =
		monitor_get_settings(monitor);
	user_data_t user_data = { .free_func = reader_free };
	char name[DATA_MAX_NAME_LEN];

	(void)data;
	plugin_set_ctx(dispatcher.context);
	user_data.data = reader_new(monitor, settings->interval);
	if (!user_data.data) {
		log_error("monitor %s: out of memory", monitor->name);
		return;
	}
	reader_name(monitor, name, sizeof(name));
	/* collectd calls free_func on failure, too. */
	if (plugin_register_complex_read(PLUGIN, name, dispatcher_read,
					 DOUBLE_TO_CDTIME_T(settings->interval), &user_data) != 0)
		log_error("monitor %s: collectd rejects the read callback", monitor->name);
}

void dispatcher_remove(void *data, const struct monitor *monitor)
{
	char name[DATA_MAX_NAME_LEN];

	(void)data;
	unlink_reader(NULL, monitor);
	reader_name(monitor, name, sizeof(name));
	plugin_unregister_read(name);
}

/* -- start and stop -- */

bool dispatcher_set_self_metrics(bool on)
{
	return atomic_exchange(&dispatcher.self_metrics, on) != on;
}

void dispatcher_register(void)
{
	user_data_t user_data = { .data = reader_new(NULL, 0), .free_func = reader_free };

	if (user_data.data)
		plugin_register_complex_read(PLUGIN, PLUGIN, dispatcher_read, 0, &user_data);
	plugin_register_flush(PLUGIN, dispatcher_flush_callback, NULL);
}

void dispatcher_start(struct registry *registry)
{
	dispatcher.context = plugin_get_ctx();
	pthread_mutex_lock(&dispatcher.lock);
	dispatcher.registry = registry;
	pthread_mutex_unlock(&dispatcher.lock);
}

void dispatcher_stop(void)
{
	pthread_mutex_lock(&dispatcher.lock);
	dispatcher.registry = NULL;
	while (dispatcher.flushes)
		pthread_cond_wait(&dispatcher.free, &dispatcher.lock);
	pthread_mutex_unlock(&dispatcher.lock);
}
