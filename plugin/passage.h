/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The passage of the plugin's values through collectd's write queue.
 *
 * collectd's write threads take values from one queue in order. Each value runs through the
 * PreCache filter chain, which may rename or drop it, then updates collectd's cache, and then goes
 * to the write plugins. For each value that comes to the cache there is a cache event, whatever the
 * value is called by then; its time, which no chain changes, tells the read that it is from. A
 * value that was dropped leaves no trace, but a value of a later read proves that all values of the
 * earlier reads have left the queue.
 *
 * Each reader has a passage, which observes its last two reads. All functions are safe from any
 * thread.
 */
#ifndef DYNMON_PASSAGE_H
#define DYNMON_PASSAGE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Seconds to wait for the write threads: in all, and, where a chain may drop values, for the next.
 */
#define PASSAGE_SECONDS_MAX   10
#define PASSAGE_SECONDS_QUIET 1

struct passage;

/* Subscribes to cache events; when collectd loads the plugin. */
void passage_register(void);

/* NULL when memory ran out. */
struct passage *passage_new(void);
struct passage *passage_free(struct passage *passage);

/**
 * passage_begin() - begin a read
 * @passage:  the reader's
 *
 * Return: the time (a cdtime_t) for all values of this read, which no other read has.
 */
uint64_t passage_begin(struct passage *passage);

/* Ends the read; n values were dispatched with its time. */
void passage_end(struct passage *passage, size_t n);

/**
 * passage_wait() - wait until the values of all reads that have ended are out of the write queue
 * @err:  receives the reason of a failure, or the remark that goes with 1
 *
 * Return: 0; 1 if a filter chain may have dropped the values that did not come; -ETIMEDOUT if the
 * write threads have not come to them.
 */
int passage_wait(struct error *err);

#endif
