/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: records that programs write into a ring buffer with pcn_log() and pcn_pkt_controller().
 * For the format see bpf/dynmon/event.h.
 *
 * A struct event_ring is owned by its opener and used by one thread at a time. The other functions
 * keep no state.
 */
#ifndef DYNMON_KERNEL_EVENT_H
#define DYNMON_KERNEL_EVENT_H

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

#include <stdbool.h>

/* Name of the ring buffer map. Objects without events do not have it. */
#define EVENT_MAP "dynmon_events"
/*
 * Name of an array with one value: the number of records that were dropped because the ring was
 * full.
 */
#define EVENT_LOST_MAP "dynmon_lost"
/**
 * event_map_is_internal() - test whether a map implements events
 * @name:  name of the map in the source code
 *
 * Messages and lists about the maps of a dataplane leave such maps out.
 *
 * Return: true for EVENT_MAP and EVENT_LOST_MAP.
 */
bool event_map_is_internal(const char *name);

/*
 * Limit of records per call of event_ring_read(), so that a busy program cannot starve the others.
 */
#define EVENT_TURN 4096

/**
 * event_format() - format a record as a log line
 * @record:  the record, untrusted, not necessarily aligned
 * @len:     bytes of the record
 * @level:   receives the log level
 * @out:     the line is appended
 *
 * Supports the conversions d i u x X o c p and %% of printf() with flags, width and precision below
 * 100 and length modifiers; %I (IPv4 address), %M (MAC address) and %P (port), all in network byte
 * order. Unknown conversions and conversions without an argument are copied to the line unchanged.
 *
 * Return: 0 on success, -EINVAL if the record is malformed, -errno if memory ran out.
 */
int event_format(const void *record, size_t len, enum log_level *level, struct text *out);

/* The consumer of one ring buffer. Used by one thread at a time. */
struct event_ring;

/**
 * event_ring_open() - start to consume a ring buffer
 * @map_fd:  descriptor of the map, owned by the caller
 * @take:    called by event_ring_read() for each record; the record is valid during the call
 * @data:    passed to @take
 * @ret:     receives the ring; close with event_ring_close()
 * @err:     receives the reason of a failure
 *
 * Return: 0 on success, -errno on failure.
 */
int event_ring_open(int map_fd, void (*take)(void *data, const void *record, size_t len),
		    void *data, struct event_ring **ret, struct error *err);
struct event_ring *event_ring_close(struct event_ring *ring);

/* Returns a descriptor, owned by the ring, that is readable while the ring holds records. */
int event_ring_fd(const struct event_ring *ring);
/*
 * Passes up to EVENT_TURN records to the callback. The descriptor stays readable if more are left.
 */
void event_ring_read(struct event_ring *ring);

#endif
