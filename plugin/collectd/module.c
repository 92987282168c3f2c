/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collectd's side of the plugin: callbacks and logging. See config_reader.c for the configuration,
 * dispatcher.c for values, notifier.c for notifications, and feed_input.c for the write callback.
 * Code outside this directory includes no header of collectd.
 *
 * Lifetimes: loading registers all callbacks and the handler of SIGHUP. The config callback only
 * stores the settings. init runs after collectd has forked and starts the parts of the plugin in
 * the order of the table "parts". shutdown runs after collectd has joined its read and write
 * threads, and stops the parts in reverse order. Threads start last, when all monitors exist, and
 * stop first.
 */
#include "collectd.h"
#include "plugin.h"
#include "utils/common/common.h"

#include "base/descriptor.h"
#include "base/log.h"
#include "base/thread.h"
#include "collectd/config_reader.h"
#include "collectd/dispatcher.h"
#include "collectd/feed_input.h"
#include "collectd/notifier.h"
#include "collectd/value_cache.h"
#include "collectd/write_queue.h"
#include "monitor/events.h"
#include "monitor/notification.h"
#include "monitor/orphans.h"
#include "monitor/reload.h"
#include "monitor/watch.h"
#include "serve/control.h"
#include "serve/http.h"
#include "serve/listener.h"

#include <errno.h>
#include <semaphore.h>

#define PLUGIN "dynmon"

static struct settings settings;
static bool settings_ready;

static struct registry *registry;
static struct watch *watch;
static struct events *events;
static struct control *control;
static struct http **https;
static size_t n_https;
static plugin_ctx_t context; /* context of the plugin, for threads that collectd did not start */

static struct {
	sem_t hangups; /* posted by the signal handler, and to end the thread */
	_Atomic bool stopping;
	pthread_t thread;
} reloader;

static void sink_collectd(enum log_level level, const char *line)
{
	plugin_log((int)level, PLUGIN ": %s", line);
}

/* Logs each line of a report as a separate message. */
static void log_lines(enum log_level level, struct text *report)
{
	for (const char *line = text_str(report); *line;) {
		size_t len = strcspn(line, "\n");

		if (len)
			log_message(level, "%.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* -- configuration -- */

static int settings_prepare(void)
{
	_cleanup_error_ struct error err = {};

	if (settings_ready)
		return 0;
	if (config_reader_locate(&err) < 0 || settings_init(&settings, &err) < 0) {
		log_error("%s", error_message(&err));
		return -1;
	}
	settings_ready = true;
	return 0;
}

static int dynmon_config(oconfig_item_t *item)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text warnings = {}, errors = {};
	int r;

	if (settings_prepare() < 0)
		return -1;
	r = config_reader_apply(&settings, item, &warnings, &err);
	log_lines(LOG_LEVEL_WARNING, &warnings);
	if (r == 0)
		return 0;
	text_adds(&errors, error_message(&err));
	log_lines(LOG_LEVEL_ERR, &errors);
	return -1;
}

/* A failure only disables the run count and run time metrics. */
static int switch_run_stats(bool on, struct text *report)
{
	_cleanup_error_ struct error err = {};
	int r = run_stats_switch(on, &err);

	if (r < 0)
		text_printf(report, "%s\n", error_message(&err));
	else if (r > 0)
		text_printf(report, "RunStats: switched %s\n", on ? "on" : "off");
	return r;
}

/* Reads the current configuration. Changes of options that require a restart are only reported. */
static int configure(void *data, struct settings *ret, struct text *report, struct error *err)
{
	int r = config_reader_read(ret, report, err);

	(void)data;
	if (r < 0)
		return r;
	settings_report_fixed(&settings, ret, report);
	switch_run_stats(ret->run_stats, report);
	if (dispatcher_set_self_metrics(ret->self_metrics))
		text_printf(report, "SelfMetrics: switched %s\n", ret->self_metrics ? "on" : "off");
	return 0;
}

/* -- reload -- */

/*
 * Installed when the plugin is loaded: the start of collectd may take long, and the default action
 * would kill collectd. The thread that reloads starts after all monitors.
 */
static void on_sighup(int signal)
{
	int saved = errno;

	(void)signal;
	sem_post(&reloader.hangups);
	errno = saved;
}

static void *reload_thread(void *data)
{
	(void)data;
	plugin_set_ctx(context);
	for (;;) {
		_cleanup_error_ struct error err = {};
		_cleanup_text_ struct text report = {};
		int r;

		if (sem_wait(&reloader.hangups) < 0)
			continue;
		/* One reload serves all pending signals. */
		while (sem_trywait(&reloader.hangups) == 0)
			;
		if (reloader.stopping)
			return NULL;
		r = registry_reload(registry, NULL, false, &report, &err);
		log_lines(LOG_LEVEL_NOTICE, &report);
		if (!report.len && r == 0)
			log_notice("reload: nothing has changed");
		if (r < 0)
			log_error("reload: %s", error_message(&err));
	}
}

static int reloader_start(struct error *err)
{
	int r;

	reloader.stopping = false;
	r = thread_start(&reloader.thread, "dynmon-reload", reload_thread, NULL);
	return r < 0 ? error_set(err, r, "reload: %s", strerror(-r)) : 0;
}

static void reloader_stop(void)
{
	reloader.stopping = true;
	sem_post(&reloader.hangups);
	pthread_join(reloader.thread, NULL);
}

/* -- the parts of the plugin -- */

/* Each interface needs several descriptors, and the usual limit of a service is 1024. */
static int descriptors_start(struct error *err)
{
	uint64_t old, new;
	int r = descriptors_raise(&old, &new);

	(void)err;
	if (r < 0)
		log_warning("the limit of descriptors cannot be raised: %s", strerror(-r));
	else if (new != old)
		log_info("the limit of descriptors was raised from %llu to %llu",
			 (unsigned long long)old, (unsigned long long)new);
	else
		log_info("the limit of descriptors is %llu", (unsigned long long)new);
	return 0;
}

static int registry_start(struct error *err)
{
	const struct registry_observer observer = {
		.added = dispatcher_add,
		.removed = dispatcher_remove,
		.configure = configure,
		.flush = dispatcher_flush,
		.get_values = value_cache_get,
	};
	const struct compiler compiler = {
		.program = settings.compiler,
		.include_dir = settings.include_dir,
	};
	int r = registry_new(&compiler, settings.dataplane_dir, &observer, &registry, err);

	if (r == 0)
		r = registry_identify(registry, settings.state_dir, err);
	if (r < 0)
		registry = registry_free(registry);
	return r;
}

/* Detaches and frees all monitors. */
static void registry_stop(void)
{
	registry = registry_free(registry);
}

static int run_stats_start(struct error *err)
{
	_cleanup_text_ struct text report = {};
	int r = switch_run_stats(settings.run_stats, &report);

	(void)err;
	log_lines(r < 0 ? LOG_LEVEL_ERR : LOG_LEVEL_INFO, &report);
	return 0;
}

static void run_stats_stop(void)
{
	run_stats_switch(false, NULL);
}

/* Values of other plugins flow into feeds, and values of monitors into collectd. */
static int dataflow_start(struct error *err)
{
	int r = feeds_set(registry->feeds, &settings, NULL, err);

	if (r < 0)
		return r;
	feed_input_start(registry);
	dispatcher_set_self_metrics(settings.self_metrics);
	dispatcher_start(registry);
	return 0;
}

static void dataflow_stop(void)
{
	dispatcher_stop();
	feed_input_stop();
}

/* A failure to open the socket is logged; the other parts still start. */
static int control_open(struct error *err)
{
	unsigned int mode = (unsigned int)strtoul(settings.socket_perms, NULL, 8);
	int fd = listener_open(settings.socket_file, settings.socket_group, mode,
			       settings.delete_socket, err);

	if (fd < 0 || control_start(fd, registry, &control, err) < 0)
		log_error("%s", error_message(err));
	else
		log_info("control socket %s", settings.socket_file);
	return 0;
}

static void control_close(void)
{
	if (control)
		unlink(settings.socket_file);
	control = control_stop(control);
}

static int https_open(struct error *err)
{
	https = calloc(settings.n_https + 1, sizeof(*https));
	if (!https)
		return error_oom(err);
	for (size_t i = 0; i < settings.n_https; i++) {
		_cleanup_error_ struct error why = {};

		if (http_start(&settings.https[i], hostname_g, registry, &https[n_https], &why) < 0)
			log_error("%s", error_message(&why));
		else
			log_info("HTTP on %s", http_address(https[n_https++]));
	}
	return 0;
}

static void https_close(void)
{
	while (n_https)
		http_stop(https[--n_https]);
	free(https);
	https = NULL;
}

/* A monitor that cannot start is logged; the other monitors still start. */
static int monitors_start(struct error *err)
{
	_cleanup_text_ struct text warnings = {}, notices = {};

	(void)err;
	registry_batch_begin(registry);
	for (size_t i = 0; i < settings.n_monitors; i++) {
		_cleanup_error_ struct error failure = {};
		int r = registry_add(registry, &settings.monitors[i], true, &warnings, &failure);

		log_lines(LOG_LEVEL_WARNING, &warnings);
		text_clear(&warnings);
		if (r < 0)
			log_error("%s", error_message(&failure));
	}
	if (registry_restore(registry, settings.state_dir, &warnings, err) < 0)
		log_error("%s", error_message(err));
	log_lines(LOG_LEVEL_WARNING, &warnings);
	/* Some monitors could not start before other monitors existed. */
	registry_try_again(registry, &notices);
	registry_batch_end(registry);
	registry_report_feeds(registry, &notices);
	orphans_remove(registry, &notices);
	log_lines(LOG_LEVEL_NOTICE, &notices);
	return 0;
}

static int events_open(struct error *err)
{
	return events_start(registry, &events, err);
}

static void events_close(void)
{
	events = events_stop(events);
}

static int watch_open(struct error *err)
{
	return watch_start(registry, &watch, err);
}

static void watch_close(void)
{
	watch = watch_stop(watch);
}

/* -- start and stop -- */

/*
 * All parts in the order of their start; they stop in reverse order. A part that fails to start
 * cleans up after itself, and the parts before it are stopped. The notifier starts with the first
 * read callback, see notifier.h, and stops first.
 */
static const struct part {
	int (*start)(struct error *err); /* -errno if the plugin cannot run */
	void (*stop)(void);
} parts[] = {
	{ descriptors_start, NULL },
	{ registry_start, registry_stop },
	{ notification_open, notification_close },
	{ run_stats_start, run_stats_stop },
	{ dataflow_start, dataflow_stop },
	{ monitors_start, NULL }, /* monitors stop with the registry */
	/* The following parts start threads. */
	{ events_open, events_close },
	{ watch_open, watch_close },
	{ control_open, control_close },
	{ https_open, https_close },
	{ reloader_start, reloader_stop },
	{ NULL, notifier_stop },
};

static size_t n_started;

/* Cancels the work of all threads first, so that no thread waits for a compiler. */
static void parts_stop(void)
{
	if (registry)
		registry_cancel(registry);
	while (n_started) {
		const struct part *part = &parts[--n_started];

		if (part->stop)
			part->stop();
	}
}

static int dynmon_init(void)
{
	if (n_started)
		return 0;
	if (settings_prepare() < 0)
		return -1;
	context = plugin_get_ctx();
	for (; n_started < ARRAY_SIZE(parts); n_started++) {
		const struct part *part = &parts[n_started];
		_cleanup_error_ struct error err = {};

		if (!part->start || part->start(&err) == 0)
			continue;
		log_error("%s", error_message(&err));
		parts_stop();
		return -1;
	}
	log_info("version " DYNMON_VERSION " is ready");
	return 0;
}

static int dynmon_shutdown(void)
{
	parts_stop();
	config_reader_forget();
	settings_release(&settings);
	settings_ready = false;
	return 0;
}

void module_register(void)
{
	const struct sigaction action = { .sa_handler = on_sighup, .sa_flags = SA_RESTART };

	log_set_sink(sink_collectd);
	sem_init(&reloader.hangups, 0, 0);
	sigaction(SIGHUP, &action, NULL);
	/*
	 * Locate the file now, because the configuration may have no block of this plugin. init
	 * reports a failure.
	 */
	config_reader_locate(NULL);
	plugin_register_complex_config(PLUGIN, dynmon_config);
	plugin_register_init(PLUGIN, dynmon_init);
	dispatcher_register();
	write_queue_register();
	feed_input_register();
	plugin_register_shutdown(PLUGIN, dynmon_shutdown);
}
