/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl watch: print the series of a metric periodically, one per line. */
#include "base/clock.h"
#include "base/json_writer.h"
#include "ctl/rates.h"
#include "ctl/subcommand.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <signal.h>

#define NAMES_MAX 1000 /* bytes of names in an error message */

struct watch {
	const char *metric; /* name from the document or from OpenMetrics; * and ? are wildcards */
	bool json;
	struct rates rates;
	char time[40];	   /* of this read: 2026-11-23T12:10:56.123Z */
	bool found;	   /* a metric with the name exists */
	struct text names; /* names of the other metrics */
	struct text lines; /* of this read */
};

static void watch_family(void *data, const char *name)
{
	struct watch *watch = data;

	if (fnmatch(watch->metric, name, 0) == 0)
		watch->found = true;
	else if (watch->names.len < NAMES_MAX)
		text_printf(&watch->names, "%s%s", watch->names.len ? " " : "", name);
}

/* The name can be that of the sample or of its family. A counter's sample ends with _total. */
static void watch_sample(void *data, const struct sample *sample)
{
	struct watch *watch = data;
	_cleanup_free_ char *name = strndup(sample->series, sample->name_len);
	struct text *lines = &watch->lines;
	const struct series *series;

	if (!name || (fnmatch(watch->metric, name, 0) != 0 &&
		      fnmatch(watch->metric, sample->family, 0) != 0))
		return;
	watch->found = true;
	series = rates_update(&watch->rates, sample);
	if (!series)
		return;
	if (watch->json) {
		struct json_writer json = { .out = lines };

		json_object_begin(&json);
		json_member_string(&json, "time", watch->time);
		json_member_string(&json, "series", series->text);
		json_member_double(&json, "value", series->value);
		json_member_double(&json, "rate", series->rate);
		json_object_end(&json);
	} else {
		text_printf(lines, "%s\t%s\t", watch->time, series->text);
		text_double(lines, series->value);
		if (isnan(series->rate))
			text_adds(lines, "\t-");
		else
			text_printf(lines, "\t%.3f", series->rate);
	}
	text_addc(lines, '\n');
}

static int watch_read(struct watch *watch, const struct options *options, const char *monitor,
		      struct error *err)
{
	const struct scrape_handler handler = { watch_sample, watch_family, watch };
	struct timespec now = clock_timespec(clock_ns(CLOCK_REALTIME));
	struct tm utc;
	size_t n;
	int r;

	n = strftime(watch->time, sizeof(watch->time), "%FT%T", gmtime_r(&now.tv_sec, &utc));
	snprintf(watch->time + n, sizeof(watch->time) - n, ".%03ldZ", now.tv_nsec / 1000000);
	text_clear(&watch->names);
	text_clear(&watch->lines);
	rates_begin(&watch->rates, (double)clock_now_ns() * 1e-9);
	r = scrape_run(options->socket_file, monitor, &handler, err);
	if (r == 0)
		r = rates_end(&watch->rates, err);
	if (r < 0)
		return r;
	/* If the reader of a pipe is gone, SIGPIPE ends the process without a message, as usual. */
	signal(SIGPIPE, SIG_DFL);
	fputs(text_str(&watch->lines), stdout);
	fflush(stdout);
	signal(SIGPIPE, SIG_IGN);
	if (watch->rates.left_out)
		fprintf(stderr, "dynmonctl: %zu series left out: at most %d are possible\n",
			watch->rates.left_out, RATES_SERIES_MAX);
	if (watch->found)
		return 0;
	return error_set(err, -ENOENT, "there is no metric \"%.200s\"; there %s%s", watch->metric,
			 watch->names.len ? "are: " : "is none", text_str(&watch->names));
}

int ctl_watch(const struct options *options, char **words, size_t n, struct error *err)
{
	struct watch watch = { .metric = words[0], .json = options->json };
	uint64_t start = clock_now_ns();
	int r = rates_init(&watch.rates, options->interval, err);

	for (uint64_t i = 0; r == 0 && (!options->count || i < options->count) && !ferror(stdout);
	     i++) {
		struct timespec next =
			clock_timespec(start + i * options->interval * CLOCK_NS_PER_S);

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		r = watch_read(&watch, options, n > 1 ? words[1] : NULL, err);
	}
	text_release(&watch.names);
	text_release(&watch.lines);
	rates_release(&watch.rates);
	return r;
}
