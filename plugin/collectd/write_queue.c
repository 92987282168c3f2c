/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collectd.h"
#include "filter_chain.h"
#include "plugin.h"

#include "base/clock.h"
#include "collectd/write_queue.h"

#include <errno.h>

#define PLUGIN "dynmon"

/* Time for each write thread to finish its current value, for which collectd has no event. */
#define IN_HAND_MS 20

/* The values of one read. */
struct reading {
	cdtime_t begin; /* the time of its values; 0: there was no read */
	cdtime_t end;	/* after its last value was dispatched; 0: not yet */
	size_t sent, seen;
};

struct write_queue_observer {
	struct reading last, before;
	cdtime_t forgotten; /* end of an earlier read that may have values in the queue; or 0 */
	struct write_queue_observer *next;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t seen; /* a value has reached the cache; signaled for waiting threads */
	/* -- protected by lock -- */
	struct write_queue_observer *observers;
	struct reading *recent; /* where the last value was found; NULL: look everywhere */
	cdtime_t begin;		/* of the read that began last */
	cdtime_t latest;	/* the latest begin of a read with a value in the cache */
	unsigned int waiting;
} write_queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .seen = PTHREAD_COND_INITIALIZER };

/* Under lock. Returns true if all values dispatched until then have left the queue. */
static bool queue_is_past(cdtime_t then)
{
	return then < write_queue.latest;
}

/* Under lock. The number of values of a read that may still be in the queue. */
static size_t count_missing(const struct reading *reading, size_t dropped)
{
	if (!reading->end || queue_is_past(reading->end) ||
	    reading->seen + dropped >= reading->sent)
		return 0;
	return reading->sent - reading->seen - dropped;
}

/* Under lock. */
static struct reading *find_reading(cdtime_t time)
{
	if (write_queue.recent && write_queue.recent->begin == time)
		return write_queue.recent;
	for (struct write_queue_observer *observer = write_queue.observers; observer;
	     observer = observer->next) {
		if (observer->last.begin == time)
			return &observer->last;
		if (observer->before.begin == time)
			return &observer->before;
	}
	return NULL;
}

/* Called in a write thread when a value has reached the cache. */
static int write_queue_event(cache_event_t *event, user_data_t *user_data)
{
	struct reading *reading;

	(void)user_data;
	if (event->type == CE_VALUE_EXPIRED)
		return 0;
	pthread_mutex_lock(&write_queue.lock);
	reading = find_reading(event->value_list->time);
	if (reading) {
		write_queue.recent = reading;
		reading->seen++;
		if (reading->begin > write_queue.latest)
			write_queue.latest = reading->begin;
		if (write_queue.waiting)
			pthread_cond_broadcast(&write_queue.seen);
	}
	pthread_mutex_unlock(&write_queue.lock);
	event->ret = reading != NULL; /* for a new value: subscribe to its updates */
	return 0;
}

void write_queue_register(void)
{
	plugin_register_cache_event(PLUGIN, write_queue_event, NULL);
}

struct write_queue_observer *write_queue_new(void)
{
	struct write_queue_observer *observer = calloc(1, sizeof(*observer));

	if (!observer)
		return NULL;
	pthread_mutex_lock(&write_queue.lock);
	observer->next = write_queue.observers;
	write_queue.observers = observer;
	pthread_mutex_unlock(&write_queue.lock);
	return observer;
}

struct write_queue_observer *write_queue_free(struct write_queue_observer *observer)
{
	struct write_queue_observer **at = &write_queue.observers;

	if (!observer)
		return NULL;
	pthread_mutex_lock(&write_queue.lock);
	while (*at != observer)
		at = &(*at)->next;
	*at = observer->next;
	write_queue.recent = NULL;
	pthread_mutex_unlock(&write_queue.lock);
	free(observer);
	return NULL;
}

uint64_t write_queue_begin(struct write_queue_observer *observer)
{
	cdtime_t now;

	pthread_mutex_lock(&write_queue.lock);
	now = cdtime();
	if (now <
	    write_queue.begin) /* the clock was set back: times do not compare with earlier ones */
		write_queue.latest = 0;
	if (now == write_queue.begin)
		now++;
	write_queue.begin = now;
	if (count_missing(&observer->before, 0))
		observer->forgotten = observer->before.end;
	observer->before = observer->last;
	observer->last = (struct reading){ .begin = now };
	pthread_mutex_unlock(&write_queue.lock);
	return now;
}

void write_queue_end(struct write_queue_observer *observer, size_t n)
{
	pthread_mutex_lock(&write_queue.lock);
	observer->last.sent = n;
	observer->last.end = cdtime();
	pthread_mutex_unlock(&write_queue.lock);
}

/* -- waiting -- */

/*
 * Under lock. The number of values of all reads ended until then that may still be in the queue. If
 * a read has left the queue, its missing values were dropped, and the next read of the same values
 * is expected to lose the same number.
 */
static size_t count_all_missing(cdtime_t then)
{
	size_t missing = 0;

	for (struct write_queue_observer *observer = write_queue.observers; observer;
	     observer = observer->next) {
		const struct reading *last = &observer->last, *before = &observer->before;
		size_t dropped = queue_is_past(before->end) && before->seen < before->sent
					 ? before->sent - before->seen
					 : 0;

		if (last->end <= then)
			missing += count_missing(last, dropped);
		if (before->end <= then)
			missing += count_missing(before, 0);
		if (observer->forgotten && observer->forgotten <= then &&
		    !queue_is_past(observer->forgotten))
			missing++;
	}
	return missing;
}

/* Under lock. Returns the number of values that did not reach the cache in time. */
static size_t wait_for_values(bool may_drop)
{
	const uint64_t quiet =
		(may_drop ? WRITE_QUEUE_SECONDS_QUIET : WRITE_QUEUE_SECONDS_MAX) * CLOCK_NS_PER_S;
	uint64_t now = clock_now_ns(), until = now + quiet;
	const uint64_t end = now + WRITE_QUEUE_SECONDS_MAX * CLOCK_NS_PER_S;
	const cdtime_t then = cdtime();
	size_t missing = count_all_missing(then), before;

	while (missing && now < until) {
		const struct timespec time = clock_timespec(until);

		pthread_cond_clockwait(&write_queue.seen, &write_queue.lock, CLOCK_MONOTONIC,
				       &time);
		before = missing;
		missing = count_all_missing(then);
		now = clock_now_ns();
		if (missing < before)
			until = now + quiet < end ? now + quiet : end;
	}
	return missing;
}

int write_queue_wait(struct error *err)
{
	const struct timespec in_hand = { .tv_nsec = IN_HAND_MS * 1000000L };
	const char *chain = global_option_get("PreCacheChain");
	bool may_drop = chain && fc_chain_get_by_name(chain);
	size_t missing;

	pthread_mutex_lock(&write_queue.lock);
	write_queue.waiting++;
	missing = wait_for_values(may_drop);
	write_queue.waiting--;
	pthread_mutex_unlock(&write_queue.lock);
	nanosleep(&in_hand, NULL);
	if (!missing)
		return 0;
	if (!may_drop)
		return error_set(err, -ETIMEDOUT,
				 "%zu values have been in collectd's write queue for more than %d "
				 "s; the write plugins have not received them yet",
				 missing, WRITE_QUEUE_SECONDS_MAX);
	error_set(
		err, -ENODATA,
		"%zu values did not come out of the PreCache filter chain, which may have dropped "
		"them",
		missing);
	return 1;
}
