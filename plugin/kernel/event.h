/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs tell user space with pcn_log() and pcn_pkt_controller(): records in a ring
 * buffer, see bpf/dynmon/event.h.
 */
#ifndef DYNMON_KERNEL_EVENT_H
#define DYNMON_KERNEL_EVENT_H

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

#include <stdbool.h>

/* The map that records come in; objects without events do not have it. */
#define EVENT_MAP "dynmon_events"
/* An array whose one value counts the records that had no room there. */
#define EVENT_LOST_MAP "dynmon_lost"
/**
 * event_map_is_internal() - tell whether a map belongs to pcn_log(), not to a dataplane's author
 * @name:  the map's name, as the code calls it
 *
 * Such maps do not appear in messages and lists about the maps of a dataplane.
 *
 * Return: true for EVENT_MAP and EVENT_LOST_MAP.
 */
bool event_map_is_internal(const char *name);

/* A program that writes as fast as it can holds up no other for longer. */
#define EVENT_TURN 4096

/*
 * Turns a record into the text of a log line, appended to out, and its level.
 * Of printf's conversions it knows d i u x X o c p and %%, with flags, width, precision and length;
 * and %I an IPv4 address, %M a MAC address, %P a port, all in network order. Any other, and one
 * without an argument, stays in the text. -EINVAL: not a record.
 */
int event_format(const void *record, size_t len, enum log_level *level, struct text *out);

/* A ring buffer that is being read. Used by one thread. */
struct event_ring;

/* take is called from event_ring_read() for each record. The map's descriptor is not taken. */
int event_ring_open(int map_fd, void (*take)(void *data, const void *record, size_t len),
		    void *data, struct event_ring **ret, struct error *err);
struct event_ring *event_ring_close(struct event_ring *ring);

/* A descriptor that is readable when there are records. */
int event_ring_fd(const struct event_ring *ring);
/* Hands over what is there, at most EVENT_TURN records; the descriptor says if there are more. */
void event_ring_read(struct event_ring *ring);

#endif
