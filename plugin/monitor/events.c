/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/events.h"
#include "base/figure.h"
#include "base/log.h"
#include "base/thread.h"
#include "kernel/event.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#define SLEEPERS 16 /* descriptors looked at in one turn */

/* A ring buffer of one path of a generation. */
struct source {
	struct source *next;
	struct generation *generation;
	int path;
	char *name; /* "monitor edge: eth0 ingress" */
	struct event_ring *ring;
	int lost_fd;   /* the map that counts records without room; the object's; -1: none */
	uint64_t lost; /* of which so many were told */
	time_t second; /* of CLOCK_MONOTONIC, that the following count */
	unsigned int lines;
	unsigned int left_out;
	bool wanted; /* still there, when the registry is looked at */
};

struct events {
	struct registry *registry;
	int epoll_fd;
	int stop_fd;
	pthread_t thread;
	struct source *sources; /* the thread's */
};

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void tell_left_out(struct source *source)
{
	if (source->left_out)
		log_warning("%s: %u log lines are left out, at most %d a second are shown",
			    source->name, source->left_out, EVENTS_PER_SECOND);
	source->left_out = 0;
}

/* Records that found the ring full: the program counts them. */
static void tell_lost(struct source *source)
{
	uint32_t key = 0;
	uint64_t lost;

	if (source->lost_fd < 0 || bpf_map_lookup_elem(source->lost_fd, &key, &lost) < 0 ||
	    lost == source->lost)
		return;
	log_warning("%s: %llu log lines are lost, the program writes them faster than they can be "
		    "read",
		    source->name, (unsigned long long)(lost - source->lost));
	figure_add(FIGURE_EVENTS_LOST, lost - source->lost);
	source->lost = lost;
}

static void take_record(void *data, const void *record, size_t len)
{
	struct source *source = data;
	_cleanup_text_ struct text line = {};
	enum log_level level;
	time_t second = now();

	if (second != source->second) {
		tell_left_out(source);
		tell_lost(source);
		source->second = second;
		source->lines = 0;
	}
	if (source->lines == EVENTS_PER_SECOND) {
		figure_add(FIGURE_EVENTS_LEFT_OUT, 1);
		source->left_out++;
		return;
	}
	source->lines++;
	if (event_format(record, len, &level, &line) < 0)
		log_warning("%s: a record that is no event, %zu bytes", source->name, len);
	else
		log_message(level, "%s: %s", source->name, text_str(&line));
}

static void source_free(struct source *source)
{
	if (source->ring) {
		event_ring_read(source->ring);
		tell_left_out(source);
		tell_lost(source);
	}
	event_ring_close(source->ring);
	generation_unref(source->generation);
	free(source->name);
	free(source);
}

static int source_open(struct events *events, const struct view_item *item, int path, int map_fd,
		       struct error *err)
{
	struct source *source = calloc(1, sizeof(*source));
	const struct object *object = item->generation->paths[path].object;
	const struct object_map *lost = object_find_map(object, EVENT_LOST_MAP);
	struct epoll_event event = { .events = EPOLLIN };
	int r;

	if (!source)
		return error_oom(err);
	*source = (struct source){ .generation = generation_ref(item->generation),
				   .path = path,
				   .lost_fd = lost ? bpf_map__fd(lost->bpf) : -1,
				   .wanted = true };
	if (asprintf(&source->name, "monitor %s: %s%s%s", item->monitor->settings.name,
		     item->interface, *item->interface ? " " : "",
		     path_name((enum path)path)) < 0) {
		source->name = NULL;
		source_free(source);
		return error_oom(err);
	}
	r = event_ring_open(map_fd, take_record, source, &source->ring, err);
	if (r < 0) {
		source_free(source);
		return r;
	}
	event.data.ptr = source;
	if (epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, event_ring_fd(source->ring), &event) < 0) {
		r = error_set(err, -errno, "%s: %s", source->name, strerror(errno));
		source_free(source);
		return r;
	}
	source->next = events->sources;
	events->sources = source;
	return 0;
}

static struct source *source_find(const struct events *events, const struct generation *generation,
				  int path)
{
	struct source *source = events->sources;

	while (source && (source->generation != generation || source->path != path))
		source = source->next;
	return source;
}

/* Two paths of one object have one ring; the first tells its lines. */
static bool shares_ring(const struct generation *generation, int path)
{
	return path == PATH_EGRESS &&
	       generation->paths[PATH_EGRESS].object == generation->paths[PATH_INGRESS].object;
}

static void look_at(struct events *events, const struct view_item *item, int path)
{
	const struct object *object =
		item->generation ? item->generation->paths[path].object : NULL;
	const struct object_map *ring = object ? object_find_map(object, EVENT_MAP) : NULL;
	struct source *source;
	_cleanup_error_ struct error err = {};
	struct map map;

	if (!ring || shares_ring(item->generation, path))
		return;
	source = source_find(events, item->generation, path);
	if (source) {
		source->wanted = true;
		return;
	}
	if (object_map_describe(ring, &map, &err) < 0 ||
	    source_open(events, item, path, map.fd, &err) < 0)
		log_error("monitor %s: log lines are not shown: %s", item->monitor->settings.name,
			  error_message(&err));
}

static void look_again(struct events *events)
{
	_cleanup_(view_release) struct view view = {};
	struct source **at = &events->sources;

	for (struct source *source = events->sources; source; source = source->next)
		source->wanted = false;
	if (registry_view(events->registry, NULL, &view, NULL) < 0)
		return;
	for (size_t i = 0; i < view.n; i++)
		for (int path = 0; path < PATH_COUNT; path++)
			look_at(events, &view.items[i], path);
	while (*at) {
		struct source *source = *at;

		if (source->wanted) {
			at = &source->next;
		} else {
			*at = source->next;
			source_free(source);
		}
	}
}

static void *events_thread(void *data)
{
	struct events *events = data;

	for (;;) {
		struct epoll_event ready[SLEEPERS];
		int n = epoll_wait(events->epoll_fd, ready, SLEEPERS, -1);
		bool changed = false;

		for (int i = 0; i < n; i++) {
			if (ready[i].data.ptr == &events->stop_fd)
				return NULL;
			if (ready[i].data.ptr == events->registry)
				changed = true;
			else
				event_ring_read(((struct source *)ready[i].data.ptr)->ring);
		}
		/* Last: it frees what the other descriptors belong to. */
		if (changed) {
			eventfd_t value;

			eventfd_read(registry_change_fd(events->registry), &value);
			look_again(events);
		}
	}
}

static int watch_fd(struct events *events, int fd, void *tag)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = tag };

	return epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int events_start(struct registry *registry, struct events **ret, struct error *err)
{
	struct events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		return error_oom(err);
	events->registry = registry;
	events->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	events->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = events->epoll_fd < 0 || events->stop_fd < 0 ? -errno : 0;
	if (r == 0)
		r = watch_fd(events, events->stop_fd, &events->stop_fd);
	if (r == 0)
		r = watch_fd(events, registry_change_fd(registry), registry);
	if (r == 0)
		r = thread_start(&events->thread, "dynmon-events", events_thread, events);
	if (r < 0) {
		fd_close(&events->epoll_fd);
		fd_close(&events->stop_fd);
		free(events);
		return error_set(err, r, "log lines: %s", strerror(-r));
	}
	*ret = events;
	return 0;
}

struct events *events_stop(struct events *events)
{
	if (!events)
		return NULL;
	eventfd_write(events->stop_fd, 1);
	pthread_join(events->thread, NULL);
	while (events->sources) {
		struct source *source = events->sources;

		events->sources = source->next;
		source_free(source);
	}
	fd_close(&events->epoll_fd);
	fd_close(&events->stop_fd);
	free(events);
	return NULL;
}
