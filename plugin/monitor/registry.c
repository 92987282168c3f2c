/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/registry.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

struct registry {
	struct compiler compiler; /* strings are owned */
	char *dataplane_dir;
	struct registry_observer observer;
	int change_fd;
	bool cancelled; /* atomic */

	pthread_mutex_t lock;
	/* -- protected by lock -- */
	struct monitor **monitors;
	size_t n_monitors;
	uint64_t next_serial;
	uint64_t retired_changes;
	uint64_t retired_failures;
};

static char *copy_or_null(const char *s, bool *failed)
{
	char *copy = s ? strdup(s) : NULL;

	*failed = *failed || (s && !copy);
	return copy;
}

int registry_new(const struct compiler *compiler, const char *dataplane_dir,
		 const struct registry_observer *observer, struct registry **ret, struct error *err)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	bool failed = false;

	if (!registry)
		return error_oom(err);
	registry->compiler.program = copy_or_null(compiler->program, &failed);
	registry->compiler.include_dir = copy_or_null(compiler->include_dir, &failed);
	registry->compiler.clang = copy_or_null(compiler->clang, &failed);
	registry->dataplane_dir = copy_or_null(dataplane_dir, &failed);
	registry->change_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (observer)
		registry->observer = *observer;
	pthread_mutex_init(&registry->lock, NULL);
	registry->compiler.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (failed || registry->change_fd < 0 || registry->compiler.cancel_fd < 0) {
		registry_free(registry);
		return error_oom(err);
	}
	*ret = registry;
	return 0;
}

void registry_cancel(struct registry *registry)
{
	__atomic_store_n(&registry->cancelled, true, __ATOMIC_RELAXED);
	eventfd_write(registry->compiler.cancel_fd, 1);
}

struct registry *registry_free(struct registry *registry)
{
	if (!registry)
		return NULL;
	for (size_t i = 0; i < registry->n_monitors; i++) {
		monitor_stop(registry->monitors[i]);
		monitor_unref(registry->monitors[i]);
	}
	free(registry->monitors);
	free((char *)registry->compiler.program);
	free((char *)registry->compiler.include_dir);
	free((char *)registry->compiler.clang);
	free(registry->dataplane_dir);
	fd_close(&registry->change_fd);
	fd_close(&registry->compiler.cancel_fd);
	pthread_mutex_destroy(&registry->lock);
	free(registry);
	return NULL;
}

int registry_change_fd(const struct registry *registry)
{
	return registry->change_fd;
}

static void tell_changed(struct registry *registry)
{
	eventfd_write(registry->change_fd, 1);
}

static int no_such_monitor(const char *name, struct error *err)
{
	return error_set(err, -ENOENT, "no monitor is called \"%.100s\"", name);
}

/* A reference, or NULL. */
static struct monitor *registry_find(struct registry *registry, const char *name)
{
	struct monitor *found = NULL;

	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->n_monitors && !found; i++)
		if (!strcmp(registry->monitors[i]->settings.name, name))
			found = monitor_ref(registry->monitors[i]);
	pthread_mutex_unlock(&registry->lock);
	return found;
}

static int registry_insert(struct registry *registry, struct monitor *monitor, struct error *err)
{
	struct monitor **monitors;
	int r = 0;

	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->n_monitors && r == 0; i++)
		if (!strcmp(registry->monitors[i]->settings.name, monitor->settings.name))
			r = error_set(err, -EEXIST, "a monitor called \"%s\" exists",
				      monitor->settings.name);
	if (r == 0 && registry->n_monitors >= MONITORS_MAX)
		r = error_set(err, -E2BIG, "at most %d monitors are possible", MONITORS_MAX);
	if (r == 0) {
		monitors = realloc(registry->monitors,
				   (registry->n_monitors + 1) * sizeof(struct monitor *));
		if (monitors) {
			registry->monitors = monitors;
			monitors[registry->n_monitors++] = monitor_ref(monitor);
		} else {
			r = error_oom(err);
		}
	}
	pthread_mutex_unlock(&registry->lock);
	tell_changed(registry);
	return r;
}

static void tell_added(struct registry *registry, const struct monitor *monitor)
{
	if (registry->observer.added)
		registry->observer.added(registry->observer.data, monitor);
}

/* A public map of any monitor but the one that asks. */
struct public_search {
	struct registry *registry;
	const struct monitor *asking;
};

static int find_in_generation(const struct generation *generation, const char *name)
{
	for (int path = 0; generation && path < PATH_COUNT; path++) {
		const struct object *object = generation->paths[path].object;
		const struct object_map *map = object ? object_find_map(object, name) : NULL;

		if (map && map->scope == MAP_SCOPE_PUBLIC)
			return fcntl(bpf_map__fd(map->bpf), F_DUPFD_CLOEXEC, 3);
	}
	return -1;
}

static int find_public_map(void *data, const char *name)
{
	const struct public_search *search = data;
	_cleanup_(view_release) struct view view = {};
	int r = registry_view(search->registry, NULL, &view, NULL);

	for (size_t i = 0; r == 0 && i < view.n; i++) {
		int fd = view.items[i].monitor == search->asking
				 ? -1
				 : find_in_generation(view.items[i].generation, name);

		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

/* Under the monitor's control. */
static int switch_to(struct registry *registry, struct monitor *monitor,
		     struct dataplane *dataplane, const char *interface, struct error *err)
{
	struct public_search search = { registry, monitor };
	const struct surroundings around = { find_public_map, &search, true };
	int r = monitor_switch(monitor, dataplane, interface, &around, err);

	if (r == 0)
		tell_changed(registry);
	return r;
}

/* Under control. Takes the document. */
static int build_and_switch(struct registry *registry, struct monitor *monitor,
			    struct document *document, const char *interface, struct text *warnings,
			    struct error *err)
{
	const struct compile_target target = {
		.xdp = monitor->hook->xdp,
		.log_level = monitor->settings.log_level,
		.cube_id = monitor->id,
	};
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	int r = dataplane_build(document, monitor->dataplane, &registry->compiler, &target,
				&dataplane, err);

	if (r < 0)
		return r;
	text_add(warnings, dataplane->warnings.data, dataplane->warnings.len);
	return switch_to(registry, monitor, dataplane, interface, err);
}

/* Appends warnings to a report that is about several monitors. */
static void report_warnings(const struct monitor *monitor, struct text *warnings,
			    struct text *report)
{
	char *lines = (char *)text_str(warnings), *line;

	while ((line = strsep(&lines, "\n")))
		if (*line)
			text_printf(report, "monitor %s: %s\n", monitor->settings.name, line);
}

static bool has_metric(const struct dataplane *dataplane, const char *name)
{
	for (int path = 0; path < PATH_COUNT; path++) {
		const struct path_code *code = dataplane->paths[path];

		for (size_t i = 0; code && i < code->config->n_metrics; i++)
			if (!strcmp(code->config->metrics[i].name, name))
				return true;
	}
	return false;
}

/* <Metric> blocks that are about no metric of the dataplane: most likely mistyped. */
static void report_typos(const struct monitor *monitor, struct text *report)
{
	const struct monitor_settings *settings = &monitor->settings;

	for (size_t i = 0; i < settings->n_metrics; i++)
		if (!has_metric(monitor->dataplane, settings->metrics[i].name))
			text_printf(
				report,
				"monitor %s: <Metric \"%s\">: the dataplane has no such metric\n",
				settings->name, settings->metrics[i].name);
}

/* Under control. 1: switched; 0: the document has not changed, or there is none. */
static int load_document(struct registry *registry, struct monitor *monitor, bool force,
			 struct text *report, struct error *err)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_text_ struct text warnings = {};
	const char *file = monitor->document_file;
	bool confined = file && monitor->document_confined;
	int r;

	if (!file && force) /* back from an injection to what is configured */
		file = monitor->settings.dataplane;
	if (!file)
		return 0;
	r = document_load(registry->dataplane_dir, file, confined, &document, err);
	if (r < 0)
		return r;
	if (file == monitor->document_file)
		document_leave(document, monitor->document_leave);
	if (!force && monitor->dataplane && dataplane_is_from(monitor->dataplane, document)) {
		monitor_settle(monitor);
		return 0;
	}
	r = build_and_switch(registry, monitor, steal_ptr(&document), NULL, &warnings, err);
	report_warnings(monitor, &warnings, report);
	if (r < 0)
		return error_prefix(err, r, "%s", file);
	report_typos(monitor, report);
	if (!monitor->document_file)
		monitor_set_document(monitor, file, false, NULL);
	return 1;
}

/* As load_document(), and remembers the outcome. */
static int reload(struct registry *registry, struct monitor *monitor, bool force,
		  struct text *report, struct error *err)
{
	int r = load_document(registry, monitor, force, report, err);

	if (r > 0)
		monitor_note(monitor, NULL, false);
	if (r >= 0)
		return r;
	monitor_note(monitor, err, true);
	return error_prefix(err, r, "monitor %s", monitor->settings.name);
}

static int monitor_make(struct registry *registry, struct monitor_settings *settings,
			bool configured, struct monitor **ret, struct error *err)
{
	unsigned int id = 0;
	uint64_t serial;
	bool taken;

	pthread_mutex_lock(&registry->lock);
	serial = registry->next_serial++;
	do { /* the smallest that no monitor has */
		taken = false;
		id++;
		for (size_t i = 0; i < registry->n_monitors; i++)
			taken = taken || registry->monitors[i]->id == id;
	} while (taken);
	pthread_mutex_unlock(&registry->lock);
	return monitor_new(settings, id, serial, configured, ret, err);
}

static void report_waiting(struct monitor *monitor, struct text *report)
{
	pthread_mutex_lock(&monitor->state);
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i]->interface && !monitor->instances[i]->ifindex)
			text_printf(report,
				    "monitor %s: interface \"%s\" does not exist, waiting for it\n",
				    monitor->settings.name, monitor->instances[i]->interface);
	pthread_mutex_unlock(&monitor->state);
}

int registry_add(struct registry *registry, struct monitor_settings *settings, bool configured,
		 struct text *report, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r, load;

	r = monitor_make(registry, settings, configured, &monitor, err);
	if (r < 0)
		return r;
	monitor_begin(monitor);
	load = reload(registry, monitor, true, report, err);
	__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
	if (load >= 0 || configured)
		r = registry_insert(registry, monitor, load < 0 ? NULL : err);
	monitor_end(monitor);
	if (r == 0 && (load >= 0 || configured)) {
		report_waiting(monitor, report);
		tell_added(registry, monitor);
	}
	return r < 0 ? r : load < 0 ? load : 0;
}

int registry_delete(struct registry *registry, const char *name, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = registry_find(registry, name);
	bool ours = false;

	if (!monitor)
		return no_such_monitor(name, err);
	monitor_stop(monitor);
	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->n_monitors && !ours; i++)
		if (registry->monitors[i] == monitor) {
			ours = true;
			registry->n_monitors--;
			pthread_mutex_lock(&monitor->state);
			registry->retired_changes += monitor->changes;
			registry->retired_failures += monitor->failures;
			pthread_mutex_unlock(&monitor->state);
			memmove(&registry->monitors[i], &registry->monitors[i + 1],
				(registry->n_monitors - i) * sizeof(struct monitor *));
		}
	pthread_mutex_unlock(&registry->lock);
	if (!ours) /* somebody else was faster */
		return no_such_monitor(name, err);
	tell_changed(registry);
	if (registry->observer.removed)
		registry->observer.removed(registry->observer.data, monitor);
	monitor_unref(monitor);
	return 0;
}

int registry_attach(struct registry *registry, const char *name, const char *interface,
		    struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = registry_find(registry, name);
	int r;

	if (!monitor)
		return no_such_monitor(name, err);
	monitor_begin(monitor);
	r = switch_to(registry, monitor, monitor->dataplane, interface, err);
	monitor_end(monitor);
	return r;
}

int registry_detach(struct registry *registry, const char *name, const char *interface,
		    struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = registry_find(registry, name);
	int r;

	if (!monitor)
		return no_such_monitor(name, err);
	monitor_begin(monitor);
	r = monitor_detach(monitor, interface, err);
	tell_changed(registry);
	monitor_end(monitor);
	return r;
}

int registry_eject(struct registry *registry, const char *name, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = registry_find(registry, name);
	int r;

	if (!monitor)
		return no_such_monitor(name, err);
	monitor_begin(monitor);
	r = switch_to(registry, monitor, NULL, NULL, err);
	if (r == 0) {
		monitor_set_document(monitor, NULL, true, NULL);
		monitor_note(monitor, NULL, false);
	}
	monitor_end(monitor);
	return r;
}

static int injection_document(struct registry *registry, const struct injection *injection,
			      struct document **ret, struct error *err)
{
	_cleanup_document_ struct document *document = NULL;
	int r;

	if (injection->file)
		r = document_load(registry->dataplane_dir, injection->file, true, &document, err);
	else
		r = document_parse(injection->bytes, injection->len, registry->dataplane_dir, true,
				   &document, err);
	if (r < 0)
		return r;
	document_leave(document, injection->leave);
	*ret = steal_ptr(&document);
	return 0;
}

/* Under control. */
static int inject(struct registry *registry, struct monitor *monitor,
		  const struct injection *injection, struct text *warnings, struct error *err)
{
	_cleanup_document_ struct document *document = NULL;
	const char *interface = injection->interface;
	int r = injection_document(registry, injection, &document, err);

	if (r < 0)
		return r;
	if (interface && monitor_has_interface(monitor, interface))
		interface = NULL;
	r = build_and_switch(registry, monitor, steal_ptr(&document), interface, warnings, err);
	if (r == 0)
		monitor_set_document(monitor, injection->file, true, injection->leave);
	return r;
}

int registry_inject(struct registry *registry, const struct injection *injection,
		    struct text *warnings, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor =
		registry_find(registry, injection->monitor);
	bool is_new = !monitor;
	int r;

	if (is_new) {
		struct monitor_settings settings;

		r = monitor_settings_init(&settings, injection->monitor, err);
		if (r == 0)
			r = monitor_make(registry, &settings, false, &monitor, err);
		if (r < 0)
			return r;
	}
	monitor_begin(monitor);
	r = inject(registry, monitor, injection, warnings, err);
	monitor_note(monitor, r < 0 ? err : NULL, false);
	if (r == 0 && is_new)
		r = registry_insert(registry, monitor, err);
	monitor_end(monitor);
	if (r == 0 && is_new)
		tell_added(registry, monitor);
	return r;
}

int registry_reload(struct registry *registry, const char *name, bool force, struct text *report,
		    struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_text_ struct text failures = {};
	int failed = 0, r;

	r = registry_list(registry, name, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n && !__atomic_load_n(&registry->cancelled, __ATOMIC_RELAXED);
	     i++) {
		struct monitor *monitor = list.monitors[i];
		_cleanup_error_ struct error why = {};

		monitor_begin(monitor);
		r = monitor->deleted ? 0 : reload(registry, monitor, force, report, &why);
		monitor_end(monitor);
		if (r < 0) {
			text_printf(&failures, "%s%s", failures.len ? "\n" : "",
				    error_message(&why));
			failed = r;
		} else if (r > 0) {
			text_printf(report, "monitor %s: dataplane replaced\n",
				    monitor->settings.name);
		}
	}
	return failed < 0 ? error_set(err, failed, "%s", text_str(&failures)) : 0;
}

void registry_retired(struct registry *registry, uint64_t *changes, uint64_t *failures)
{
	pthread_mutex_lock(&registry->lock);
	*changes = registry->retired_changes;
	*failures = registry->retired_failures;
	pthread_mutex_unlock(&registry->lock);
}

void registry_refresh(struct registry *registry)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};

	if (registry_list(registry, NULL, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		monitor_refresh(list.monitors[i]);
}

int registry_list(struct registry *registry, const char *name, struct monitor_list *ret,
		  struct error *err)
{
	*ret = (struct monitor_list){};
	pthread_mutex_lock(&registry->lock);
	ret->monitors = calloc(registry->n_monitors + 1, sizeof(struct monitor *));
	for (size_t i = 0; ret->monitors && i < registry->n_monitors; i++)
		if (!name || !strcmp(registry->monitors[i]->settings.name, name))
			ret->monitors[ret->n++] = monitor_ref(registry->monitors[i]);
	pthread_mutex_unlock(&registry->lock);
	if (!ret->monitors)
		return error_oom(err);
	if (!name || ret->n)
		return 0;
	monitor_list_release(ret);
	return no_such_monitor(name, err);
}

void monitor_list_release(struct monitor_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		monitor_unref(list->monitors[i]);
	free(list->monitors);
	*list = (struct monitor_list){};
}

int registry_view(struct registry *registry, const char *name, struct view *ret, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	int r = registry_list(registry, name, &list, err);

	*ret = (struct view){};
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		r = view_add(ret, list.monitors[i]);
		if (r < 0)
			error_oom(err);
	}
	if (r < 0)
		view_release(ret);
	return r;
}
