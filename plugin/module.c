/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collectd's side of the plugin: its callbacks and its log. Its configuration is config.c's, its
 * values are dispatcher.c's, its notifications notifier.c's, and what it writes is feeder.c's;
 * nobody else includes a collectd header.
 *
 * Lifetimes: config only remembers; init, after collectd has forked, makes the registry and
 * starts the threads; shutdown, after collectd's readers and writers are gone, ends them.
 */
#include "collectd.h"
#include "plugin.h"
#include "utils/common/common.h"

#include "base/log.h"
#include "base/thread.h"
#include "cache.h"
#include "config.h"
#include "dispatcher.h"
#include "feeder.h"
#include "monitor/events.h"
#include "monitor/leftovers.h"
#include "monitor/notice.h"
#include "monitor/watch.h"
#include "notifier.h"
#include "passage.h"
#include "serve/control.h"
#include "serve/http.h"
#include "serve/listener.h"

#include <errno.h>
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

/* Without it the figures about runs are missing, and nothing else. */
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

/* The configuration as it is now; what stands for as long as collectd runs is only reported. */
static int configure(void *data, struct settings *ret, struct text *report, struct error *err)
{
	int r = config_read(ret, report, err);

	(void)data;
	if (r < 0)
		return r;
	settings_report_fixed(&settings, ret, report);
	if (ret->n_feeds)
		feeder_register();
	switch_run_stats(ret->run_stats, report);
	return 0;
}

/* -- monitors come and go -- */

static void monitor_added(void *data, const struct monitor *monitor)
{
	(void)data;
	dispatcher_add(monitor);
}

static void monitor_removed(void *data, const struct monitor *monitor)
{
	(void)data;
	dispatcher_remove(monitor);
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

		if (http_start(&settings.https[i], hostname_g, registry, &https[n_https], &err) < 0)
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
	dispatcher_stop();
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
	run_stats_switch(false, NULL);
	notifier_stop();
	config_forget();
	fd_close(&reloader.event_fd);
	settings_release(&settings);
	settings_ready = false;
	return 0;
}

static int dynmon_init(void)
{
	const struct registry_observer observer = {
		.added = monitor_added,
		.removed = monitor_removed,
		.configure = configure,
		.flush = dispatcher_flush,
		.list_values = cache_list,
		.get_value = cache_get,
	};
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text report = {}, switched = {};
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
	dispatcher_start(registry);
	r = switch_run_stats(settings.run_stats, &switched);
	log_lines(r < 0 ? LOG_LEVEL_ERR : LOG_LEVEL_INFO, &switched);
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
	dispatcher_register();
	passage_register();
	plugin_register_shutdown(PLUGIN, dynmon_shutdown);
}
