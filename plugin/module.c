/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collectd's side of the plugin: its callbacks, its log, its values. Its configuration is
 * config.c's, its notifications are notifier.c's, and what it writes is feeder.c's; nobody else
 * includes a collectd header.
 *
 * Lifetimes: config only remembers; init, after collectd has forked, makes the registry and
 * starts the threads; shutdown, after collectd's readers and writers are gone, ends them.
 */
#include "collectd.h"
#include "plugin.h"
#include "utils/common/common.h"

#include "base/log.h"
#include "base/thread.h"
#include "config.h"
#include "export/status.h"
#include "export/values.h"
#include "feeder.h"
#include "monitor/collect.h"
#include "monitor/events.h"
#include "monitor/leftovers.h"
#include "monitor/notice.h"
#include "monitor/watch.h"
#include "notifier.h"
#include "serve/control.h"
#include "serve/http.h"
#include "serve/listener.h"

#include <errno.h>
#include <math.h>
#include <sys/eventfd.h>

#define PLUGIN "dynmon"

static struct settings settings;
static bool settings_ready;

static struct registry *registry;
static struct watch *watch;
static struct events *events;
static struct control *control;
static struct http **https;
static size_t n_https;
static plugin_ctx_t context; /* the plugin's own, for threads that collectd did not start */

static struct {
	int event_fd; /* written by the signal handler */
	_Atomic bool stopping;
	bool started;
	pthread_t thread;
	struct sigaction old_action;
} reloader = { .event_fd = -1 };

static void sink_collectd(enum log_level level, const char *line)
{
	plugin_log((int)level, PLUGIN ": %s", line);
}

/* A report's lines, each of which stands for itself. */
static void log_lines(enum log_level level, struct text *report)
{
	char *lines = (char *)text_str(report), *line;

	while ((line = strsep(&lines, "\n")))
		if (*line)
			log_message(level, "%s", line);
}

/* -- configuration -- */

static int settings_prepare(void)
{
	_cleanup_error_ struct error err = {};

	if (settings_ready)
		return 0;
	if (config_locate(&err) < 0 || settings_init(&settings, &err) < 0) {
		log_error("%s", error_message(&err));
		return -1;
	}
	settings_ready = true;
	return 0;
}

static int dynmon_config(oconfig_item_t *item)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text warnings = {}, mistakes = {};
	int r;

	if (settings_prepare() < 0)
		return -1;
	r = config_take(&settings, item, &warnings, &err);
	log_lines(LOG_LEVEL_WARNING, &warnings);
	if (settings.n_feeds)
		feeder_register();
	if (r == 0)
		return 0;
	text_adds(&mistakes, error_message(&err));
	log_lines(LOG_LEVEL_ERR, &mistakes);
	return -1;
}

/* The configuration as it is now; what stands for as long as collectd runs is only reported. */
static int configure(void *data, struct settings *ret, struct text *report, struct error *err)
{
	int r = config_read(ret, report, err);

	(void)data;
	if (r == 0)
		settings_report_fixed(&settings, ret, report);
	if (r == 0 && ret->n_feeds)
		feeder_register();
	return r;
}

/* -- values -- */

/* What a monitor's read callback remembers; collectd frees it. */
struct reader {
	char *monitor;
	struct text told;  /* metrics whose type cannot be used, a line each: logged */
	bool trouble_told; /* a failed read was */
	bool troubled;	   /* this read had one */
	cdtime_t time;
};

static void reader_free(void *data)
{
	struct reader *reader = data;

	free(reader->monitor);
	text_release(&reader->told);
	free(reader);
}

static value_t to_value(struct number number, int ds_type)
{
	double d = number_double(number);
	bool is_float = number.kind == NUMBER_FLOAT;
	uint64_t u = is_float ? (d >= 0 && d < 0x1p64 ? (uint64_t)d : 0) : number.u;

	switch (ds_type) {
	case DS_TYPE_COUNTER:
		return (value_t){ .counter = u };
	case DS_TYPE_DERIVE:
		return (value_t){ .derive = (derive_t)u };
	case DS_TYPE_ABSOLUTE:
		return (value_t){ .absolute = u };
	default:
		return (value_t){ .gauge = d };
	}
}

/* Whether that was logged of a metric before; remembers it. */
static bool type_told(struct reader *reader, const char *metric)
{
	_cleanup_text_ struct text line = {};

	text_printf(&line, "\n%s\n", metric);
	if (strstr(text_str(&reader->told), text_str(&line)))
		return true;
	text_add(&reader->told, line.data, line.len);
	return false;
}

/* time: 0 for now. */
static void send_value(const char *plugin_instance, const char *type, const char *type_instance,
		       cdtime_t time, value_t value, meta_data_t *meta)
{
	value_list_t list = VALUE_LIST_INIT;

	list.values = &value;
	list.values_len = 1;
	list.time = time;
	list.meta = meta;
	sstrncpy(list.plugin, PLUGIN, sizeof(list.plugin));
	sstrncpy(list.plugin_instance, plugin_instance, sizeof(list.plugin_instance));
	sstrncpy(list.type, type, sizeof(list.type));
	sstrncpy(list.type_instance, type_instance, sizeof(list.type_instance));
	plugin_dispatch_values(&list);
}

/* For write plugins that can use more than names; collectd copies it. NULL: there are none. */
static meta_data_t *labels_of(const struct value *value)
{
	meta_data_t *meta = value->n_labels ? meta_data_create() : NULL;

	for (size_t i = 0; meta && i < value->n_labels; i++)
		meta_data_add_string(meta, value->labels[i].name, value->labels[i].value);
	return meta;
}

static void dispatch(void *data, const struct value *from)
{
	struct reader *reader = data;
	const data_set_t *ds = plugin_get_ds(from->type);
	meta_data_t *meta;

	if (!ds || ds->ds_num != 1) {
		if (!type_told(reader, from->metric))
			log_error("monitor %s: metric \"%s\": type \"%s\" %s", reader->monitor,
				  from->metric, from->type,
				  ds ? "has several data sources, expected one with a single value"
				     : "is not in types.db");
		return;
	}
	meta = labels_of(from);
	send_value(from->plugin_instance, from->type, from->type_instance, reader->time,
		   to_value(from->number, ds->ds[0].type), meta);
	meta_data_destroy(meta);
}

static void read_trouble(void *data, const struct error *err)
{
	struct reader *reader = data;

	if (!reader->trouble_told)
		log_error("%s", error_message(err));
	reader->trouble_told = true;
	reader->troubled = true;
}

/* Always 0: collectd would double the interval of a read that fails. */
static int dynmon_read_monitor(user_data_t *user_data)
{
	struct reader *reader = user_data->data;
	_cleanup_(view_release) struct view view = {};

	if (registry_view(registry, reader->monitor, &view, NULL) < 0)
		return 0;
	view_collect(&view);
	reader->time = cdtime();
	reader->troubled = false;
	for (size_t i = 0; i < view.n; i++)
		values_read(&view.items[i], dispatch, read_trouble, reader);
	if (!reader->troubled)
		reader->trouble_told = false;
	return 0;
}

/* The plugin's own figures. Registered in any case: without a read there are no read threads. */
static int dynmon_read(void)
{
	struct figures figures;

	notifier_run();
	if (!registry || figures_get(registry, &figures, NULL) < 0)
		return 0;
	send_value("", "count", "monitors", 0, (value_t){ .gauge = (gauge_t)figures.monitors },
		   NULL);
	send_value("", "count", "interfaces_attached", 0,
		   (value_t){ .gauge = (gauge_t)figures.interfaces }, NULL);
	send_value("", "derive", "dataplane_changes", 0,
		   (value_t){ .derive = (derive_t)figures.changes }, NULL);
	send_value("", "derive", "dataplane_failures", 0,
		   (value_t){ .derive = (derive_t)figures.failures }, NULL);
	return 0;
}

/* -- monitors come and go -- */

static void reader_name(const struct monitor *monitor, char *name, size_t size)
{
	/* With the serial: one that is made again has another, whatever comes first. */
	snprintf(name, size, PLUGIN "-%s-%llu", monitor->settings.name,
		 (unsigned long long)monitor->serial);
}

static void monitor_added(void *data, const struct monitor *monitor)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	user_data_t user_data = { .data = reader, .free_func = reader_free };
	char name[DATA_MAX_NAME_LEN];

	(void)data;
	if (reader)
		reader->monitor = strdup(monitor->settings.name);
	if (!reader || !reader->monitor) {
		free(reader);
		log_error("monitor %s: out of memory", monitor->settings.name);
		return;
	}
	reader_name(monitor, name, sizeof(name));
	plugin_set_ctx(context);
	/* collectd frees the reader when it fails, too. */
	if (plugin_register_complex_read(PLUGIN, name, dynmon_read_monitor,
					 DOUBLE_TO_CDTIME_T(monitor->settings.interval),
					 &user_data) != 0)
		log_error("monitor %s: collectd does not take its read callback",
			  monitor->settings.name);
}

static void monitor_removed(void *data, const struct monitor *monitor)
{
	char name[DATA_MAX_NAME_LEN];

	(void)data;
	reader_name(monitor, name, sizeof(name));
	plugin_unregister_read(name);
}

/* -- reload -- */

static void on_sighup(int signal)
{
	int saved = errno;

	(void)signal;
	eventfd_write(reloader.event_fd, 1);
	errno = saved;
}

static void reload(void)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text report = {};
	int r = registry_reload(registry, NULL, false, &report, &err);

	log_lines(LOG_LEVEL_NOTICE, &report);
	if (!report.len && r == 0)
		log_notice("reload: nothing has changed");
	if (r < 0)
		log_error("reload: %s", error_message(&err));
}

static void *reload_thread(void *data)
{
	eventfd_t signals;

	(void)data;
	plugin_set_ctx(context);
	while (eventfd_read(reloader.event_fd, &signals) == 0 || errno == EINTR) {
		if (reloader.stopping)
			break;
		reload();
	}
	return NULL;
}

static int reloader_start(struct error *err)
{
	const struct sigaction action = { .sa_handler = on_sighup, .sa_flags = SA_RESTART };
	int r;

	reloader.event_fd = eventfd(0, EFD_CLOEXEC);
	r = reloader.event_fd < 0
		    ? -errno
		    : thread_start(&reloader.thread, "dynmon-reload", reload_thread, NULL);
	if (r < 0)
		return error_set(err, r, "reload: %s", strerror(-r));
	reloader.started = true;
	sigaction(SIGHUP, &action, &reloader.old_action);
	return 0;
}

static void reloader_stop(void)
{
	if (!reloader.started)
		return;
	reloader.stopping = true;
	eventfd_write(reloader.event_fd, 1);
	pthread_join(reloader.thread, NULL);
	sigaction(SIGHUP, &reloader.old_action, NULL);
	reloader.started = false;
}

/* -- start and stop -- */

/*
 * A socket that cannot be opened, a monitor that cannot run: that is logged, and keeps nothing
 * else from running.
 */
static void control_open(void)
{
	unsigned int mode = (unsigned int)strtoul(settings.socket_perms, NULL, 8);
	_cleanup_error_ struct error err = {};
	int fd = listener_open(settings.socket_file, settings.socket_group, mode,
			       settings.delete_socket, &err);

	if (fd < 0 || control_start(fd, registry, &control, &err) < 0)
		log_error("%s", error_message(&err));
	else
		log_info("control socket %s", settings.socket_file);
}

static void https_open(void)
{
	https = calloc(settings.n_https + 1, sizeof(*https));
	for (size_t i = 0; https && i < settings.n_https; i++) {
		_cleanup_error_ struct error err = {};

		if (http_start(&settings.https[i], registry, &https[n_https], &err) < 0)
			log_error("%s", error_message(&err));
		else
			log_info("HTTP on %s", http_address(https[n_https++]));
	}
}

static void feeds_add(void)
{
	_cleanup_error_ struct error err = {};

	if (registry_set_feeds(registry, &settings, NULL, &err) < 0)
		log_error("%s", error_message(&err));
	feeder_start(registry);
}

static void monitors_add(void)
{
	for (size_t i = 0; i < settings.n_monitors; i++) {
		_cleanup_error_ struct error err = {};
		_cleanup_text_ struct text report = {};
		int r = registry_add(registry, &settings.monitors[i], true, &report, &err);

		log_lines(LOG_LEVEL_WARNING, &report);
		if (r < 0)
			log_error("%s", error_message(&err));
	}
}

static void monitors_restore(void)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text report = {};
	int r = registry_restore(registry, settings.state_dir, &report, &err);

	log_lines(LOG_LEVEL_WARNING, &report);
	if (r < 0)
		log_error("%s", error_message(&err));
}

/* Monitors that others had to be there for. */
static void monitors_try_again(void)
{
	_cleanup_text_ struct text report = {};

	registry_try_again(registry, &report);
	log_lines(LOG_LEVEL_NOTICE, &report);
}

static int dynmon_shutdown(void)
{
	if (registry)
		registry_cancel(registry);
	reloader_stop();
	if (control && settings.socket_file)
		unlink(settings.socket_file);
	control = control_stop(control);
	while (n_https)
		http_stop(https[--n_https]);
	free(https);
	https = NULL;
	watch = watch_stop(watch);
	events = events_stop(events);
	feeder_stop();
	registry = registry_free(registry);
	notifier_stop();
	config_forget();
	fd_close(&reloader.event_fd);
	settings_release(&settings);
	settings_ready = false;
	return 0;
}

static int dynmon_init(void)
{
	const struct registry_observer observer = { monitor_added, monitor_removed, configure,
						    NULL };
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text report = {};
	struct compiler compiler;
	int r;

	if (registry)
		return 0;
	if (settings_prepare() < 0)
		return -1;
	context = plugin_get_ctx();
	compiler = (struct compiler){
		.program = settings.compiler,
		.include_dir = settings.include_dir,
	};
	r = registry_new(&compiler, settings.dataplane_dir, &observer, &registry, &err);
	if (r == 0)
		r = watch_start(registry, &watch, &err);
	if (r == 0)
		r = events_start(registry, &events, &err);
	if (r == 0)
		r = notice_open(&err);
	if (r == 0)
		r = reloader_start(&err);
	if (r < 0) {
		log_error("%s", error_message(&err));
		return -1;
	}
	feeds_add();
	registry_batch_begin(registry);
	monitors_add();
	monitors_restore();
	monitors_try_again();
	registry_batch_end(registry);
	registry_report_feeds(registry, &report);
	leftovers_remove(registry, &report);
	log_lines(LOG_LEVEL_NOTICE, &report);
	control_open();
	https_open();
	log_info("version " DYNMON_VERSION " is ready");
	return 0;
}

void module_register(void)
{
	log_set_sink(sink_collectd);
	/* Now, for there may be no block that asks for it; if it fails, init says so. */
	config_locate(NULL);
	plugin_register_complex_config(PLUGIN, dynmon_config);
	plugin_register_init(PLUGIN, dynmon_init);
	plugin_register_read(PLUGIN, dynmon_read);
	plugin_register_shutdown(PLUGIN, dynmon_shutdown);
}
