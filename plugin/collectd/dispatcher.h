/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes to collectd: the values of each monitor, and the plugin's own figures; when collectd
 * asks for them, and when somebody wants them at once.
 *
 * A monitor is read by one thread at a time. A read callback that comes while somebody else reads
 * goes away again, for its values are under way; a flush waits for its turn.
 */
#ifndef DYNMON_COLLECTD_DISPATCHER_H
#define DYNMON_COLLECTD_DISPATCHER_H

#include "monitor/registry.h"

/* For a flush to wait for a read that is under way. */
#define DISPATCHER_SECONDS_MAX 10

/*
 * Registers the read of the figures, for without any read there are no read threads, and the flush
 * callback; when collectd loads the plugin.
 */
void dispatcher_register(void);

/* In collectd's context of the plugin, after it has forked. */
void dispatcher_start(struct registry *registry);
/* Nothing reads the registry any more when it returns. */
void dispatcher_stop(void);

/* The registry's observer tells of monitors, in the plugin's context. */
void dispatcher_add(const struct monitor *monitor);
void dispatcher_remove(const struct monitor *monitor);

/*
 * registry_observer's flush(): reads the monitors, waits until the write threads have processed
 * their values, then flushes the other plugins. -EBUSY: some monitors could not be read in time;
 * -ETIMEDOUT: the write threads are too slow. The other steps are still done.
 */
int dispatcher_flush(void *data, const char *plugin, double timeout, const char *identifier,
		     struct error *err);

#endif
