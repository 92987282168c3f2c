/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/watch.h"
#include "base/clock.h"
#include "ctl/board.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <signal.h>
#include <time.h>

#define NAMES_MAX 1000 /* bytes of names in an error message */

struct watched {
	const struct watch_options *options;
	struct board board;
	char stamp[40];
	bool found;	   /* a metric with the name exists */
	struct text names; /* names of the other metrics */
	struct text lines; /* of this read */
};

/* 2026-11-23T12:10:56.123Z */
static void take_stamp(char stamp[40])
{
	struct timespec time;
	struct tm parts;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &time);
	gmtime_r(&time.tv_sec, &parts);
	n = strftime(stamp, 40, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(stamp + n, 40 - n, ".%03ldZ", time.tv_nsec / 1000000);
}

static bool is_name(const struct watched *watched, const char *name, size_t len)
{
	_cleanup_free_ char *copy = strndup(name, len);

	return copy && fnmatch(watched->options->metric, copy, 0) == 0;
}

/* Compares the name of the sample, of its family, and of the counter with _total. */
static bool watch_is_wanted(const struct watched *watched, const struct sample *sample)
{
	return is_name(watched, sample->series, sample->name_len) ||
	       is_name(watched, sample->family, strlen(sample->family));
}

static void take_family(void *data, const char *name)
{
	struct watched *watched = data;

	if (is_name(watched, name, strlen(name)))
		watched->found = true;
	else if (watched->names.len < NAMES_MAX)
		text_printf(&watched->names, "%s%s", watched->names.len ? " " : "", name);
}

static void print_text(struct text *line, const struct watched *watched,
		       const struct series *series)
{
	text_printf(line, "%s\t%s\t", watched->stamp, series->text);
	text_double(line, series->value);
	text_addc(line, '\t');
	if (isnan(series->rate))
		text_addc(line, '-');
	else
		text_printf(line, "%.3f", series->rate);
}

static void json_number(struct text *line, double number)
{
	if (isfinite(number))
		text_double(line, number);
	else
		text_adds(line, "null");
}

static void watch_print_json(struct text *line, const struct watched *watched,
			     const struct series *series)
{
	text_printf(line, "{\"time\":\"%s\",\"series\":", watched->stamp);
	text_json(line, series->text, strlen(series->text));
	text_adds(line, ",\"value\":");
	json_number(line, series->value);
	text_adds(line, ",\"rate\":");
	json_number(line, series->rate);
	text_addc(line, '}');
}

static void watch_take_sample(void *data, const struct sample *sample)
{
	struct watched *watched = data;
	const struct series *series;

	if (!watch_is_wanted(watched, sample))
		return;
	watched->found = true;
	series = board_take(&watched->board, sample);
	if (!series)
		return;
	if (watched->options->json)
		watch_print_json(&watched->lines, watched, series);
	else
		print_text(&watched->lines, watched, series);
	text_addc(&watched->lines, '\n');
}

/*
 * If the reader of stdout is gone, SIGPIPE ends the process without a message, as usual in a pipe.
 */
static void print_lines(struct text *lines)
{
	signal(SIGPIPE, SIG_DFL);
	fputs(text_str(lines), stdout);
	fflush(stdout);
	signal(SIGPIPE, SIG_IGN);
}

static int read_once(struct watched *watched, struct error *err)
{
	const struct reading reading = {
		.socket_file = watched->options->socket_file,
		.monitor = watched->options->monitor,
		.take = watch_take_sample,
		.family = take_family,
		.data = watched,
	};
	size_t left_out;
	int r;

	take_stamp(watched->stamp);
	text_clear(&watched->names);
	text_clear(&watched->lines);
	board_begin(&watched->board, ((double)clock_ns(CLOCK_MONOTONIC) * 1e-9));
	r = reading_run(&reading, err);
	left_out = watched->board.left_out;
	if (r == 0)
		r = board_end(&watched->board, err);
	if (r < 0)
		return r;
	print_lines(&watched->lines);
	if (left_out)
		fprintf(stderr, "dynmonctl: %zu series left out, there are more than %d\n",
			left_out, BOARD_SERIES_MAX);
	if (watched->found)
		return 0;
	return error_set(err, -ENOENT, "there is no metric \"%.200s\"; there %s%s",
			 watched->options->metric, watched->names.len ? "are: " : "is none",
			 text_str(&watched->names));
}

static void sleep_until(double next)
{
	double left = next - ((double)clock_ns(CLOCK_MONOTONIC) * 1e-9);
	const struct timespec pause = {
		.tv_sec = left > 0 ? (time_t)left : 0,
		.tv_nsec = left > 0 ? (long)((left - (double)(time_t)left) * 1e9) : 0,
	};

	nanosleep(&pause, NULL);
}

int watch_metric(const struct watch_options *options, struct error *err)
{
	struct watched watched = { .options = options };
	double next = ((double)clock_ns(CLOCK_MONOTONIC) * 1e-9);
	int r = board_init(&watched.board, options->interval, err);

	for (uint64_t i = 0; r == 0 && (!options->count || i < options->count) && !ferror(stdout);
	     i++) {
		if (i)
			sleep_until(next);
		r = read_once(&watched, err);
		next += options->interval;
	}
	text_release(&watched.names);
	text_release(&watched.lines);
	board_release(&watched.board);
	return r;
}
