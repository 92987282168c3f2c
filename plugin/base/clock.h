/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monotonic clock and the wall clock. All functions are safe from any thread. */
#ifndef DYNMON_BASE_CLOCK_H
#define DYNMON_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_S 1000000000ULL

/**
 * clock_ns() - read a clock
 * @clock: CLOCK_MONOTONIC for durations and deadlines, CLOCK_REALTIME for the time since 1970
 *
 * Return: nanoseconds.
 */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Monotonic time in nanoseconds, milliseconds and seconds. */
static inline uint64_t clock_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline int64_t clock_now_ms(void)
{
	return (int64_t)(clock_now_ns() / 1000000);
}

static inline int64_t clock_now_s(void)
{
	return (int64_t)(clock_now_ns() / CLOCK_NS_PER_S);
}

/* Wall clock in microseconds since 1970. */
static inline int64_t clock_wall_us(void)
{
	return (int64_t)(clock_ns(CLOCK_REALTIME) / 1000);
}

/**
 * clock_timespec() - convert nanoseconds to a struct timespec
 * @ns: nanoseconds of any clock
 *
 * Return: the same time, for calls such as pthread_cond_timedwait().
 */
static inline struct timespec clock_timespec(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / CLOCK_NS_PER_S),
		.tv_nsec = (long)(ns % CLOCK_NS_PER_S),
	};
}

#endif
