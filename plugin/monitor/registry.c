/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/registry.h"
#include "base/array.h"
#include "base/log.h"
#include "base/string.h"
#include "dataplane/cache.h"
#include "dataplane/compile_queue.h"
#include "kernel/netns.h"
#include "kernel/owner.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

/* -- creation -- */

/* Copies a string, which may be NULL. A failure sets r. */
static char *registry_copy(const char *s, int *r)
{
	char *copy = s ? strdup(s) : NULL;

	if (s && !copy)
		*r = -ENOMEM;
	return copy;
}

static int open_event(int *r)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		*r = -errno;
	return fd;
}

int registry_new(const struct compiler *compiler, const char *dataplane_dir,
		 const struct registry_observer *observer, struct registry **ret, struct error *err)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	int r = 0;

	if (!registry)
		return error_oom(err);
	pthread_mutex_init(&registry->reload, NULL);
	pthread_mutex_init(&registry->lock, NULL);
	registry->program = registry_copy(compiler->program, &r);
	registry->include_dir = registry_copy(compiler->include_dir, &r);
	registry->clang = registry_copy(compiler->clang, &r);
	registry->dataplane_dir = registry_copy(dataplane_dir, &r);
	registry->compiler = (struct compiler){
		.program = registry->program,
		.include_dir = registry->include_dir,
		.clang = registry->clang,
		.cancel_fd = open_event(&r),
		.cache = cache_new(),
		.queue = compile_queue_new(0),
		.unlimited = true, /* at startup and in a reload */
	};
	registry->feeds = feeds_new();
	registry->pins = pin_store_new(DYNMON_STATE_DIR);
	registry->state_fd = -1;
	registry->change_fd = open_event(&r);
	registry->list_fd = open_event(&r);
	if (observer)
		registry->observer = *observer;
	if (!registry->feeds || !registry->pins || !registry->compiler.queue)
		r = -ENOMEM;
	if (r < 0) {
		registry_free(registry);
		return error_set(err, r, "%s", error_text(r));
	}
	*ret = registry;
	return 0;
}

int registry_identify(struct registry *registry, const char *state_dir, struct error *err)
{
	struct pin_store *pins = pin_store_new(state_dir);

	if (!pins)
		return error_oom(err);
	pin_store_free(registry->pins);
	registry->pins = pins;
	owner_identify(pin_store_path(pins));
	return 0;
}

struct registry *registry_free(struct registry *registry)
{
	if (!registry)
		return NULL;
	for (size_t i = 0; i < registry->n_monitors; i++) {
		struct monitor *monitor = registry->monitors[i];

		pthread_mutex_lock(&monitor->control);
		monitor_close(monitor, true);
		pthread_mutex_unlock(&monitor->control);
		monitor_unref(monitor);
	}
	free(registry->monitors);
	pin_store_free(registry->pins);
	feeds_free(registry->feeds);
	cache_free(registry->compiler.cache);
	compile_queue_free(registry->compiler.queue);
	free(registry->program);
	free(registry->include_dir);
	free(registry->clang);
	free(registry->dataplane_dir);
	free(registry->state_dir);
	fd_close(&registry->state_fd);
	fd_close(&registry->change_fd);
	fd_close(&registry->list_fd);
	fd_close(&registry->compiler.cancel_fd);
	pthread_mutex_destroy(&registry->reload);
	pthread_mutex_destroy(&registry->lock);
	free(registry);
	return NULL;
}

void registry_batch_begin(struct registry *registry)
{
	cache_begin(registry->compiler.cache);
	/* A pending injection may have filled the cache before a header changed. */
	cache_forget(registry->compiler.cache);
}

void registry_batch_end(struct registry *registry)
{
	cache_end(registry->compiler.cache);
}

void registry_cancel(struct registry *registry)
{
	__atomic_store_n(&registry->cancelled, true, __ATOMIC_RELAXED);
	eventfd_write(registry->compiler.cancel_fd, 1);
}

bool registry_is_cancelled(const struct registry *registry)
{
	return __atomic_load_n(&registry->cancelled, __ATOMIC_RELAXED);
}

/* -- the set of monitors -- */

/* Called under lock. Returns the index of a monitor; n_monitors if there is none of that name. */
static size_t find_index(const struct registry *registry, const char *name)
{
	size_t i = 0;

	while (i < registry->n_monitors && strcmp(registry->monitors[i]->name, name) != 0)
		i++;
	return i;
}

struct monitor *registry_find(struct registry *registry, const char *name, struct error *err)
{
	struct monitor *found = NULL;
	size_t i;

	pthread_mutex_lock(&registry->lock);
	i = find_index(registry, name);
	if (i < registry->n_monitors)
		found = monitor_ref(registry->monitors[i]);
	pthread_mutex_unlock(&registry->lock);
	if (!found)
		error_set(err, -ENOENT, "no monitor is called \"%.100s\"", name);
	return found;
}

int registry_list(struct registry *registry, const char *name, struct monitor_list *ret,
		  struct error *err)
{
	*ret = (struct monitor_list){};
	pthread_mutex_lock(&registry->lock);
	ret->monitors = calloc(registry->n_monitors + 1, sizeof(struct monitor *));
	for (size_t i = 0; ret->monitors && i < registry->n_monitors; i++)
		if (!name || !strcmp(registry->monitors[i]->name, name))
			ret->monitors[ret->n++] = monitor_ref(registry->monitors[i]);
	pthread_mutex_unlock(&registry->lock);
	if (!ret->monitors)
		return error_oom(err);
	if (!name || ret->n)
		return 0;
	monitor_list_release(ret);
	return error_set(err, -ENOENT, "no monitor is called \"%.100s\"", name);
}

void monitor_list_release(struct monitor_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		monitor_unref(list->monitors[i]);
	free(list->monitors);
	*list = (struct monitor_list){};
}

int registry_snapshot(struct registry *registry, const char *name, struct snapshot *ret,
		      struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	int r = registry_list(registry, name, &list, err);

	*ret = (struct snapshot){ .registry = name ? NULL : registry };
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		r = snapshot_add(ret, list.monitors[i]);
		if (r < 0)
			error_oom(err);
	}
	if (r < 0)
		snapshot_release(ret);
	return r;
}

int registry_create(struct registry *registry, struct monitor_settings *settings, bool configured,
		    unsigned int id, struct monitor **ret, struct error *err)
{
	bool taken = !id;
	uint64_t serial;
	int r;

	pthread_mutex_lock(&registry->lock);
	serial = registry->next_serial++;
	while (taken) { /* find the smallest id that is not in use */
		taken = false;
		id++;
		for (size_t i = 0; i < registry->n_monitors; i++)
			taken = taken || registry->monitors[i]->id == id;
	}
	pthread_mutex_unlock(&registry->lock);
	r = monitor_new(settings, id, serial, configured, ret, err);
	if (r == 0)
		(*ret)->registry = registry;
	return r;
}

int registry_insert(struct registry *registry, struct monitor *monitor, struct error *err)
{
	struct monitor **added;
	int r = 0;

	pthread_mutex_lock(&registry->lock);
	if (find_index(registry, monitor->name) < registry->n_monitors)
		r = error_set(err, -EEXIST, "a monitor called \"%s\" exists", monitor->name);
	else if (registry->n_monitors >= MONITORS_MAX)
		r = error_set(err, -E2BIG, "at most %d monitors are possible", MONITORS_MAX);
	else if ((added = array_append(registry->monitors, registry->n_monitors)))
		*added = monitor_ref(monitor);
	else
		r = error_oom(err);
	pthread_mutex_unlock(&registry->lock);
	registry_notify_changed(registry);
	eventfd_write(registry->list_fd, 1);
	return r;
}

void registry_replace(struct registry *registry, struct monitor *old, struct monitor *next)
{
	size_t i = 0;
	bool found;

	pthread_mutex_lock(&registry->lock);
	while (i < registry->n_monitors && registry->monitors[i] != old)
		i++;
	found = i < registry->n_monitors;
	if (found && next) {
		registry->monitors[i] = monitor_ref(next);
	} else if (found) {
		array_remove(registry->monitors, registry->n_monitors, i);
		pthread_mutex_lock(&old->state);
		registry->retired_changes += old->changes;
		registry->retired_failures += old->failures;
		pthread_mutex_unlock(&old->state);
	}
	pthread_mutex_unlock(&registry->lock);
	if (found)
		monitor_unref(old);
	registry_notify_changed(registry);
	eventfd_write(registry->list_fd, 1);
}

void registry_retired(struct registry *registry, uint64_t *changes, uint64_t *failures)
{
	pthread_mutex_lock(&registry->lock);
	*changes = registry->retired_changes;
	*failures = registry->retired_failures;
	pthread_mutex_unlock(&registry->lock);
}

void registry_notify_changed(struct registry *registry)
{
	eventfd_write(registry->change_fd, 1);
}

void registry_notify_added(struct registry *registry, struct monitor *monitor)
{
	_cleanup_(monitor_unrefp) struct monitor *current = NULL;

	if (!registry->observer.added)
		return;
	registry->observer.added(registry->observer.data, monitor);
	/* Another thread that has removed the monitor may have called removed() first. */
	current = registry_find(registry, monitor->name, NULL);
	if (current != monitor)
		registry_notify_removed(registry, monitor);
}

void registry_notify_removed(struct registry *registry, const struct monitor *monitor)
{
	if (registry->observer.removed)
		registry->observer.removed(registry->observer.data, monitor);
}

/* -- maps and programs of other monitors -- */

int registry_find_map(struct registry *registry, const struct monitor *asking, const char *name)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};

	if (registry_snapshot(registry, NULL, &snapshot, NULL) < 0)
		return -ENOENT;
	for (size_t i = 0; i < snapshot.n; i++) {
		const struct generation *generation = snapshot.items[i].generation;

		if (!generation || !strcmp(snapshot.items[i].monitor->name, asking->name))
			continue;
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
			const struct object *object = generation->directions[direction].object;
			const struct object_map *map =
				object ? object_find_map(object, name) : NULL;
			int fd = map && map->scope == MAP_SCOPE_PUBLIC
					 ? fcntl(object_map_fd(map), F_DUPFD_CLOEXEC, 3)
					 : -1;

			if (fd >= 0)
				return fd;
		}
	}
	return -ENOENT;
}

/* Compares namespaces. A plain name is an abbreviation of a file in NETNS_DIR. */
static bool same_netns(const char *a, const char *b)
{
	size_t len = strlen(NETNS_DIR);

	if (a && !strncmp(a, NETNS_DIR, len))
		a += len;
	if (b && !strncmp(b, NETNS_DIR, len))
		b += len;
	return string_equal(a, b);
}

uint32_t registry_find_program(struct registry *registry, const struct monitor *asking,
			       const char *name, int ifindex, enum direction direction)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};

	if (registry_snapshot(registry, name, &snapshot, NULL) < 0)
		return 0;
	for (size_t i = 0; i < snapshot.n; i++) {
		const struct snapshot_item *item = &snapshot.items[i];
		int prog_fd = generation_prog_fd(item->generation, direction);

		if (item->ifindex == ifindex && prog_fd >= 0 &&
		    same_netns(item->settings->netns, asking->settings->netns))
			return object_program_id(prog_fd);
	}
	return 0;
}

/* -- feeds -- */

/*
 * Generations published after the snapshot are brought up to date by their publisher, see feed.h. A
 * missing monitor gets the value when it is created.
 */
static void deliver(void *data, const char *monitor)
{
	struct registry *registry = data;
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	_cleanup_text_ struct text news = {};

	if (registry_snapshot(registry, monitor, &snapshot, NULL) < 0)
		return;
	for (size_t i = 0; i < snapshot.n; i++)
		feeds_put(registry->feeds, monitor, snapshot.items[i].generation, &news);
	if (news.len)
		log_error("monitor %s: %s", monitor, text_str(&news));
}

void registry_feed(struct registry *registry, const struct feed_source *source)
{
	_cleanup_text_ struct text news = {};

	feeds_take(registry->feeds, source, deliver, registry, &news);
	if (news.len)
		log_error("%s", text_str(&news));
}

/* The feeds whose monitor does not exist. */
struct waiting_feeds {
	struct registry *registry;
	struct text *report; /* may be NULL */
	uint64_t n;
};

static void add_waiting_feed(void *data, const char *feed, const char *name)
{
	struct waiting_feeds *waiting = data;
	_cleanup_(monitor_unrefp) struct monitor *monitor =
		registry_find(waiting->registry, name, NULL);

	if (monitor)
		return;
	waiting->n++;
	if (waiting->report)
		text_printf(waiting->report,
			    "feed \"%s\": no monitor is called \"%s\", waiting for it\n", feed,
			    name);
}

void registry_report_feeds(struct registry *registry, struct text *report)
{
	struct waiting_feeds waiting = { registry, report, 0 };

	feeds_each(registry->feeds, true, add_waiting_feed, &waiting);
}

void registry_feed_stats(struct registry *registry, struct feed_stats *ret, uint64_t *waits)
{
	struct waiting_feeds waiting = { registry, NULL, 0 };

	feeds_stats(registry->feeds, ret);
	feeds_each(registry->feeds, false, add_waiting_feed, &waiting);
	*waits = waiting.n;
}

int registry_feeds_json(struct registry *registry, const char *name, struct text *out,
			struct error *err)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	_cleanup_free_ const struct generation **generations = NULL;
	int r = registry_snapshot(registry, name, &snapshot, err);

	if (r < 0)
		return r;
	generations = calloc(snapshot.n + 1, sizeof(*generations));
	if (!generations)
		return error_oom(err);
	for (size_t i = 0; i < snapshot.n; i++)
		generations[i] = snapshot.items[i].generation;
	feeds_json(registry->feeds, name, generations, snapshot.n, out);
	return 0;
}

/* -- collectd -- */

int registry_flush(struct registry *registry, const char *plugin, double timeout,
		   const char *identifier, struct error *err)
{
	const struct registry_observer *observer = &registry->observer;

	if (!observer->flush)
		return error_set(err, -EOPNOTSUPP, "flushing is possible only inside collectd");
	return observer->flush(observer->data, plugin, timeout, identifier, err);
}

int registry_get_values(struct registry *registry, const char *identifier, struct text *lines,
			struct error *err)
{
	const struct registry_observer *observer = &registry->observer;

	if (!observer->get_values)
		return error_set(err, -EOPNOTSUPP, "values are available only inside collectd");
	return observer->get_values(observer->data, identifier, lines, err);
}
