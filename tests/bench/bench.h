/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the benchmarks: clock, means, and rows of the table that tests/bench/run prints. */
#ifndef DYNMON_TESTS_BENCH_BENCH_H
#define DYNMON_TESTS_BENCH_BENCH_H

#include "base/cleanup.h"
#include "base/error.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static inline int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Returns the mean without the lowest and the highest tenth. Sorts the values. */
static inline double usual(double *values, size_t n)
{
	double sum = 0;

	qsort(values, n, sizeof(*values), compare_doubles);
	for (size_t i = n / 10; i < n - n / 10; i++)
		sum += values[i];
	return sum / (double)(n - 2 * (n / 10));
}

static inline void must(int r, const struct error *err, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, error_message(err));
	exit(1);
}

/* goal: maximum ratio of here to there. */
static inline void row(const char *what, const char *unit, double here, const char *reference,
		       double there, double goal)
{
	printf("| %s | %.3g %s | %s %.3g %s | %.3f | <= %.2f %s |\n", what, here, unit, reference,
	       there, unit, here / there, goal, here / there <= goal ? "met" : "MISSED");
	fflush(stdout);
}

#endif
