/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dispatches the values of all monitors and the self metrics to collectd, in read callbacks and on
 * flush.
 *
 * Reads of a monitor are serialized. A read callback returns at once if another thread reads the
 * same monitor, because that thread dispatches the values. A flush waits for its turn.
 */
#ifndef DYNMON_COLLECTD_DISPATCHER_H
#define DYNMON_COLLECTD_DISPATCHER_H

#include "monitor/registry.h"

/* Seconds for which a flush waits for reads in progress. */
#define DISPATCHER_SECONDS_MAX 10

/**
 * dispatcher_register() - register the read callback of the self metrics and the flush callback
 *
 * Call this when collectd loads the plugin. collectd starts its read threads only if a read
 * callback is registered.
 */
void dispatcher_register(void);

/*
 * Sets if the self metrics are dispatched; at first they are not. Returns true if this is a change.
 * Safe from any thread.
 */
bool dispatcher_set_self_metrics(bool on);

/* Call from init, after collectd has forked, in the plugin's context. */
void dispatcher_start(struct registry *registry);
/* Returns when no thread uses the registry any more. collectd's read threads have ended before. */
void dispatcher_stop(void);

/*
 * Register and unregister the read callback of a monitor. The callbacks added() and removed() of
 * registry_observer.
 */
void dispatcher_add(void *data, struct monitor *monitor);
void dispatcher_remove(void *data, const struct monitor *monitor);

/**
 * dispatcher_flush() - flush values; the callback flush() of registry_observer
 * @plugin:      the plugin to flush; NULL for all plugins
 * @timeout:     seconds; flush only what is at least that old, 0 for everything
 * @identifier:  of the value to flush; NULL for all values
 *
 * Reads all monitors whose last read is older than @timeout, unless @plugin or @identifier belongs
 * to another plugin. With @plugin NULL, then waits until the write threads have processed the
 * values. Flushes @plugin, or all other plugins. A failed step does not skip the next steps.
 *
 * Return: 0; 1 with a remark in @err; -EBUSY if some monitors could not be read in time; -ETIMEDOUT
 * if the write threads are too slow; -ENOMEM.
 */
int dispatcher_flush(void *data, const char *plugin, double timeout, const char *identifier,
		     struct error *err);

#endif
