/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/events.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/self_counter.h"
#include "base/thread.h"
#include "kernel/event.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#define READY_MAX 16 /* maximum number of descriptors handled per epoll_wait() */

/*
 * The ring buffer of one object. Consecutive generations may share the object, and then share the
 * source.
 */
struct source {
	struct source *next;
	struct object *object;
	char *name; /* for messages: "monitor edge: eth0 ingress" */
	struct event_ring *ring;
	uint32_t ring_id; /* the kernel's id of the ring's map */
	int lost_fd;	  /* the object's map that counts records lost because the ring was full */
	uint32_t lost_id; /* the kernel's id of that map; 0: none, or counted by another source */
	uint64_t lost;	  /* the part of the map's count that is already logged */
	time_t second; /* of CLOCK_MONOTONIC, the second in which lines and left_out are counted */
	unsigned int lines;
	unsigned int left_out;
	bool wanted; /* mark of update_sources(): a generation still has the ring */
};

struct events {
	struct registry *registry;
	int epoll_fd;
	int stop_fd;
	pthread_t thread;
	struct source *sources; /* used by the thread only */
};

static void log_left_out(struct source *source)
{
	if (source->left_out)
		log_warning("%s: %u log lines are left out, at most %d a second are shown",
			    source->name, source->left_out, EVENTS_PER_SECOND);
	source->left_out = 0;
}

static bool read_lost(const struct source *source, uint64_t *ret)
{
	uint32_t key = 0;

	return source->lost_id && bpf_map_lookup_elem(source->lost_fd, &key, ret) == 0;
}

/* Logs the records that the program dropped and counted because the ring was full. */
static void log_lost(struct source *source)
{
	uint64_t lost, new;

	if (!read_lost(source, &lost) || lost == source->lost)
		return;
	/* A lower count means a reset of the map, for example by empty-on-read. */
	new = lost > source->lost ? lost - source->lost : lost;
	source->lost = lost;
	if (!new)
		return;
	log_warning("%s: %llu log lines are lost, the program writes them faster than they can be "
		    "read",
		    source->name, (unsigned long long)new);
	self_counter_add(SELF_COUNTER_EVENTS_LOST, new);
}

static void log_record(void *data, const void *record, size_t len)
{
	struct source *source = data;
	_cleanup_text_ struct text line = {};
	enum log_level level;
	time_t second = clock_now_s();

	if (second != source->second) {
		log_left_out(source);
		log_lost(source);
		source->second = second;
		source->lines = 0;
	}
	if (source->lines == EVENTS_PER_SECOND) {
		self_counter_add(SELF_COUNTER_EVENTS_LEFT_OUT, 1);
		source->left_out++;
		return;
	}
	source->lines++;
	if (event_format(record, len, &level, &line) < 0)
		log_warning("%s: invalid log record of %zu bytes, ignored", source->name, len);
	else
		log_message(level, "%s: %s", source->name, text_str(&line));
}

static void source_free(struct source *source)
{
	if (source->ring) {
		event_ring_read(source->ring);
		log_left_out(source);
		log_lost(source);
	}
	event_ring_close(source->ring);
	object_unref(source->object);
	free(source->name);
	free(source);
}

/*
 * Sets the map that counts lost records. A reload keeps the map with its count. The new source
 * starts at the count that the previous source logged. Without a previous source, a kept map comes
 * from a dead process, whose losses are not logged again.
 */
static void open_lost(struct events *events, struct source *source)
{
	const struct object_map *object_map = object_find_map(source->object, EVENT_LOST_MAP);
	struct map map;

	/* The name is not sufficient: an object's author may give any map this name. */
	if (!object_map || object_map_describe(object_map, &map, NULL) < 0 ||
	    map.type != BPF_MAP_TYPE_ARRAY || map.key_size != sizeof(uint32_t) ||
	    map.value_size != sizeof(uint64_t))
		return;
	source->lost_fd = map.fd;
	source->lost_id = map.id;
	for (struct source *before = events->sources; before; before = before->next)
		if (before->lost_id == source->lost_id) {
			source->lost = before->lost;
			before->lost_id = 0;
			return;
		}
	if (object_map->kept && !read_lost(source, &source->lost))
		source->lost = 0;
}

static int source_open(struct events *events, const struct snapshot_item *item, int direction,
		       const struct map *ring, struct error *err)
{
	struct source *source = calloc(1, sizeof(*source));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };
	int r;

	if (!source)
		return error_oom(err);
	source->object = object_ref(item->generation->directions[direction].object);
	source->ring_id = ring->id;
	source->wanted = true;
	if (asprintf(&source->name, "monitor %s: %s%s%s", item->monitor->name, item->interface,
		     *item->interface ? " " : "", direction_name(direction)) < 0) {
		source->name = NULL;
		r = error_oom(err);
	} else {
		r = event_ring_open(ring->fd, log_record, source, &source->ring, err);
	}
	if (r == 0 &&
	    epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, event_ring_fd(source->ring), &event) < 0)
		r = error_set(err, -errno, "%s: %s", source->name, strerror(errno));
	if (r < 0) {
		source_free(source);
		return r;
	}
	open_lost(events, source);
	source->next = events->sources;
	events->sources = source;
	return 0;
}

/* Opens the ring of one direction, unless it is open. */
static void update_source(struct events *events, const struct snapshot_item *item, int direction)
{
	const struct generation *generation = item->generation;
	const struct object *object = generation ? generation->directions[direction].object : NULL;
	const struct object_map *ring = object ? object_find_map(object, EVENT_MAP) : NULL;
	_cleanup_error_ struct error err = {};
	struct map map;

	/* Both directions of one object share a ring, which is read as the ingress direction's. */
	if (!ring || (direction == EGRESS && object == generation->directions[INGRESS].object))
		return;
	if (object_map_describe(ring, &map, &err) == 0)
		for (struct source *source = events->sources; source; source = source->next)
			if (source->ring_id == map.id) {
				source->wanted = true;
				return;
			}
	if (err.code || source_open(events, item, direction, &map, &err) < 0)
		log_error("monitor %s: log lines are not shown: %s", item->monitor->name,
			  error_message(&err));
}

static void update_sources(struct events *events)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	struct source **at = &events->sources;

	for (struct source *source = events->sources; source; source = source->next)
		source->wanted = false;
	if (registry_snapshot(events->registry, NULL, &snapshot, NULL) < 0)
		return;
	for (size_t i = 0; i < snapshot.n; i++)
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
			update_source(events, &snapshot.items[i], direction);
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
		struct epoll_event ready[READY_MAX];
		int n = epoll_wait(events->epoll_fd, ready, READY_MAX, -1);
		bool changed = false;

		for (int i = 0; i < n; i++) {
			if (ready[i].data.ptr == &events->stop_fd)
				return NULL;
			if (ready[i].data.ptr == events->registry)
				changed = true;
			else
				event_ring_read(((struct source *)ready[i].data.ptr)->ring);
		}
		/* Handle changes last: update_sources() frees sources that other events point to.
		 */
		if (changed) {
			eventfd_t value;

			eventfd_read(events->registry->change_fd, &value);
			update_sources(events);
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
		r = watch_fd(events, registry->change_fd, registry);
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
