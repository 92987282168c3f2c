/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observes the plugin's values in collectd's write queue, so that a flush can wait for them.
 *
 * collectd's write threads take values from one queue in order. Each value runs through the
 * PreCache filter chain, which may rename or drop it, then updates collectd's cache, and then goes
 * to the write plugins. Each value that reaches the cache causes a cache event, even if the value
 * was renamed. The time of the value, which no chain changes, identifies its read. A value that was
 * dropped leaves no trace, but a value of a later read proves that all values of the earlier reads
 * have left the queue.
 *
 * Each reader has an observer, which follows its last two reads. All functions are safe from any
 * thread.
 */
#ifndef DYNMON_COLLECTD_WRITE_QUEUE_H
#define DYNMON_COLLECTD_WRITE_QUEUE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Seconds to wait for the write threads: in all, and for the next value if a chain may drop values.
 */
#define WRITE_QUEUE_SECONDS_MAX	  10
#define WRITE_QUEUE_SECONDS_QUIET 1

struct write_queue_observer;

/* Subscribes to cache events. Call when collectd loads the plugin. */
void write_queue_register(void);

/*
 * write_queue_new() returns NULL if memory ran out. write_queue_free() accepts NULL and returns
 * NULL.
 */
struct write_queue_observer *write_queue_new(void);
struct write_queue_observer *write_queue_free(struct write_queue_observer *observer);

/**
 * write_queue_begin() - begin a read
 * @observer:  the observer of the reader
 *
 * Return: the time (a cdtime_t) for all values of this read, unique among all reads.
 */
uint64_t write_queue_begin(struct write_queue_observer *observer);

/* Ends the read. n is the number of values dispatched with the time of the read. */
void write_queue_end(struct write_queue_observer *observer, size_t n);

/**
 * write_queue_wait() - wait until the values of all reads that have ended are out of the write
 * queue
 * @err:  receives the reason of a failure, or the remark if the result is 1
 *
 * Return: 0; 1 if a filter chain may have dropped the missing values; -ETIMEDOUT if the write
 * threads have not processed the values.
 */
int write_queue_wait(struct error *err);

#endif
