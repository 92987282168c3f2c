/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The series of one read after the other: their values, their rates, and the last minute of them.
 * Used by one thread. Memory is bounded: of more than BOARD_SERIES_MAX series the first are kept.
 */
#ifndef DYNMON_CTL_BOARD_H
#define DYNMON_CTL_BOARD_H

#include "ctl/scrape.h"

#define BOARD_SERIES_MAX 10000
#define BOARD_SECONDS	 60 /* that are remembered, and after which a series is forgotten */

struct series {
	char *text;   /* as in OpenMetrics, which tells it from all others */
	char *where;  /* "edge eth0 ingress" */
	char *metric; /* "flow_packets_total saddr=10.9.0.2 proto=udp" */
	bool counts;
	double value;
	double rate; /* per second; NaN: none, or not yet */
	/* What is drawn, oldest first: rates of what counts, else values. NaN: there was none. */
	float points[BOARD_SECONDS];
	uint64_t seen; /* the last read that had it */
};

struct board {
	size_t points;	     /* that make up a minute: 1 to BOARD_SECONDS */
	struct series **all; /* in the order in which they came */
	size_t n;
	size_t left_out; /* series of the last read that there was no room for */
	uint64_t read;	 /* number of the read, from 1 */
	double time;	 /* of it, in seconds */
	double passed;	 /* since the one before; 0: there was none */
	size_t *index;	 /* open hash of all: its place and 1; 0: free */
	bool failed;	 /* memory ran out */
};

/* interval: seconds from read to read, 1 to BOARD_SECONDS. -ENOMEM. */
int board_init(struct board *board, unsigned int interval, struct error *err);
void board_release(struct board *board);

/* A read: begin, its samples, end. time: seconds of any clock that only goes on. */
void board_begin(struct board *board, double time);
/* NULL: there is no room. What has a rate when its read is not the first that saw it. */
struct series *board_take(struct board *board, const struct sample *sample);
/* What was not in the read has no rate, and is forgotten when it was in none for a minute. */
int board_end(struct board *board, struct error *err);

enum order { ORDER_RATE, ORDER_VALUE, ORDER_NAME, ORDER_COUNT };
const char *order_name(enum order order);

/*
 * The series that have the words of search (NULL: all) in their text, in any letter case, largest
 * or first first; reverse: last. *ret is the caller's to free, the series are the board's.
 */
int board_select(const struct board *board, const char *search, enum order order, bool reverse,
		 struct series ***ret, size_t *n, struct error *err);

#endif
