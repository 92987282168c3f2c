/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates of series: the series of successive reads with their values, rates and the points of the
 * last minute. Used by one thread. Memory is bounded: series beyond RATES_SERIES_MAX are left out.
 */
#ifndef DYNMON_CTL_RATES_H
#define DYNMON_CTL_RATES_H

#include "ctl/scrape.h"

#define RATES_SERIES_MAX 10000
#define RATES_SECONDS	 60 /* history; a series that is missing for as long is removed */

struct series {
	char *text;   /* as in OpenMetrics; unique; the first member, for tfind() */
	char *place;  /* "edge eth0 ingress" */
	char *metric; /* "flow_packets_total saddr=10.9.0.2 proto=udp" */
	bool counter;
	double value;
	double rate; /* per second; NaN: no rate, or not known yet */
	/* Graph, oldest point first: rates of a counter, else values. NaN: no point. */
	float points[RATES_SECONDS];
	uint64_t seen; /* number of the last read with this series */
};

struct rates {
	size_t points;	     /* points per minute: 1 to RATES_SECONDS */
	struct series **all; /* in order of appearance */
	size_t n;
	size_t left_out; /* series of the last read that did not fit */
	uint64_t read;	 /* number of the read, from 1 */
	double time;	 /* of the read, in seconds */
	double passed;	 /* since the previous read; 0: first read */
	void *tree;	 /* the same series, for tfind() */
	bool failed;	 /* memory ran out */
};

/* interval: seconds between reads, 1 to RATES_SECONDS. Returns 0 or -ENOMEM. */
int rates_init(struct rates *rates, unsigned int interval, struct error *err);
void rates_release(struct rates *rates);

/*
 * Begins a read. Call rates_update() for each of its samples, then rates_end(). time: seconds of a
 * monotonic clock.
 */
void rates_begin(struct rates *rates, double time);
/*
 * Returns the series of the sample, or NULL if there are too many series or memory ran out. The
 * rate of a counter is known if the previous read had the series, too.
 */
struct series *rates_update(struct rates *rates, const struct sample *sample);
/*
 * Ends a read. A series that was missing in this read loses its rate. A series that was missing for
 * a minute is removed. Returns 0 or -ENOMEM.
 */
int rates_end(struct rates *rates, struct error *err);

enum rates_order { ORDER_RATE, ORDER_VALUE, ORDER_NAME, ORDER_COUNT };
const char *rates_order_name(enum rates_order order);

/**
 * rates_select() - sort and filter the series
 * @search:   part of place or metric of a series, in any letter case; NULL for all series
 * @order:    rates and values are sorted in descending order, names in ascending order
 * @reverse:  reverse the order
 * @ret:      receives an array, to be freed by the caller; @rates owns the series
 * @n:        receives the number of series
 *
 * Return: 0 or -ENOMEM.
 */
int rates_select(const struct rates *rates, const char *search, enum rates_order order,
		 bool reverse, struct series ***ret, size_t *n, struct error *err);

#endif
