/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The series of successive reads: their values, rates, and history of the last minute. Used by one
 * thread. Memory is bounded: series beyond BOARD_SERIES_MAX are left out.
 */
#ifndef DYNMON_CTL_BOARD_H
#define DYNMON_CTL_BOARD_H

#include "ctl/scrape.h"

#define BOARD_SERIES_MAX 10000
#define BOARD_SECONDS	 60 /* history; a series that is missing for as long is removed */

struct series {
	char *text;   /* as in OpenMetrics; unique */
	char *where;  /* "edge eth0 ingress" */
	char *metric; /* "flow_packets_total saddr=10.9.0.2 proto=udp" */
	bool counts;
	double value;
	double rate; /* per second; NaN: no rate, or not known yet */
	/* Graph, oldest point first: rates of a counting series, else values. NaN: no point. */
	float points[BOARD_SECONDS];
	uint64_t seen; /* number of the last read with this series */
};

struct board {
	size_t points;	     /* points per minute: 1 to BOARD_SECONDS */
	struct series **all; /* in order of appearance */
	size_t n;
	size_t left_out; /* series of the last read that did not fit */
	uint64_t read;	 /* number of the read, from 1 */
	double time;	 /* of the read, in seconds */
	double passed;	 /* since the previous read; 0: first read */
	size_t *index;	 /* hash table of all: position + 1; 0: free */
	bool failed;	 /* memory ran out */
};

/* interval: seconds between reads, 1 to BOARD_SECONDS. Returns 0 or -ENOMEM. */
int board_init(struct board *board, unsigned int interval, struct error *err);
void board_release(struct board *board);

/*
 * Begins a read. Call board_take() for each of its samples, then board_end(). time: seconds of a
 * monotonic clock.
 */
void board_begin(struct board *board, double time);
/*
 * Returns the series of the sample, or NULL if the board is full or memory ran out. The rate of a
 * counting series is known if the previous read had the series, too.
 */
struct series *board_take(struct board *board, const struct sample *sample);
/*
 * Ends a read. A series that was missing in this read loses its rate. A series that was missing for
 * a minute is removed. Returns 0 or -ENOMEM.
 */
int board_end(struct board *board, struct error *err);

enum order { ORDER_RATE, ORDER_VALUE, ORDER_NAME, ORDER_COUNT };
const char *order_name(enum order order);

/**
 * board_select() - sort and filter the series
 * @search:   part of where or metric of a series, in any letter case; NULL for all series
 * @order:    rates and values are sorted in descending order, names in ascending order
 * @reverse:  reverse the order
 * @ret:      receives an array, to be freed by the caller; the board owns the series
 * @n:        receives the number of series
 *
 * Return: 0 or -ENOMEM.
 */
int board_select(const struct board *board, const char *search, enum order order, bool reverse,
		 struct series ***ret, size_t *n, struct error *err);

#endif
