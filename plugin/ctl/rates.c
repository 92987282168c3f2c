/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/rates.h"

#include <errno.h>
#include <math.h>
#include <search.h>
#include <string.h>

static void series_free(void *data)
{
	struct series *series = data;

	if (!series)
		return;
	free(series->text);
	free(series->place);
	free(series->metric);
	free(series);
}
DEFINE_CLEANUP(struct series *, series_free);

/* Splits the labels into those that name a place, and the others. */
static struct series *series_new(const struct sample *sample)
{
	_cleanup_(series_freep) struct series *series = calloc(1, sizeof(*series));
	_cleanup_text_ struct text place = {}, metric = {}, value = {};
	const char *at = sample->series + sample->name_len, *name;
	size_t len;

	if (!series)
		return NULL;
	text_add(&metric, sample->series, sample->name_len);
	while (series_label(&at, &name, &len, &value)) {
		if (!strncmp(name, "monitor=", len + 1) || !strncmp(name, "interface=", len + 1) ||
		    !strncmp(name, "direction=", len + 1)) {
			if (value.len) /* empty: not counted on an interface */
				text_printf(&place, "%s%s", place.len ? " " : "", text_str(&value));
		} else {
			text_printf(&metric, " %.*s=%s", (int)len, name, text_str(&value));
		}
	}
	for (size_t i = 0; i < RATES_SECONDS; i++)
		series->points[i] = NAN;
	series->counter = sample->counter;
	series->text = strdup(sample->series);
	series->place = text_steal(&place);
	series->metric = text_steal(&metric);
	return series->text && series->place && series->metric ? steal_ptr(&series) : NULL;
}

/* Compares the texts, which are the first members of series. */
static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int rates_init(struct rates *rates, unsigned int interval, struct error *err)
{
	*rates = (struct rates){
		.points = RATES_SECONDS / interval,
		.all = calloc(RATES_SERIES_MAX, sizeof(struct series *)),
	};
	return rates->all ? 0 : error_oom(err);
}

void rates_release(struct rates *rates)
{
	tdestroy(rates->tree, series_free);
	free(rates->all);
	*rates = (struct rates){};
}

void rates_begin(struct rates *rates, double time)
{
	rates->passed = rates->read ? time - rates->time : 0;
	rates->time = time;
	rates->read++;
	rates->left_out = 0;
}

struct series *rates_update(struct rates *rates, const struct sample *sample)
{
	struct series *const *found = tfind(&sample->series, &rates->tree, compare_texts);
	struct series *series = found ? *found : NULL;

	if (!series && rates->n == RATES_SERIES_MAX) {
		rates->left_out++;
		return NULL;
	}
	if (!series) {
		series = series_new(sample);
		if (!series || !tsearch(series, &rates->tree, compare_texts)) {
			series_free(series);
			rates->failed = true;
			return NULL;
		}
		rates->all[rates->n++] = series;
	}
	series->rate = NAN;
	/* A counter that has decreased was reset: its new value is the increase since the reset. */
	if (series->counter && rates->passed > 0 && series->seen + 1 == rates->read)
		series->rate =
			(sample->value - (sample->value >= series->value ? series->value : 0)) /
			rates->passed;
	series->value = sample->value;
	series->seen = rates->read;
	return series;
}

int rates_end(struct rates *rates, struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < rates->n; i++) {
		struct series *series = rates->all[i];
		bool seen = series->seen == rates->read;
		float *points = series->points;

		if (rates->read - series->seen >= rates->points) {
			tdelete(series, &rates->tree, compare_texts);
			series_free(series);
			continue;
		}
		if (!seen)
			series->rate = NAN;
		memmove(points, points + 1, (rates->points - 1) * sizeof(float));
		points[rates->points - 1] = (float)(series->counter ? series->rate
						    : seen	    ? series->value
								    : NAN);
		rates->all[kept++] = series;
	}
	rates->n = kept;
	return rates->failed ? error_oom(err) : 0;
}

const char *rates_order_name(enum rates_order order)
{
	static const char *const names[] = {
		[ORDER_RATE] = "rate",
		[ORDER_VALUE] = "value",
		[ORDER_NAME] = "name",
	};

	return names[order];
}

struct rates_sorting {
	enum rates_order order;
	bool reverse;
};

static int compare_series(const void *left, const void *right, void *data)
{
	const struct series *a = *(struct series *const *)left;
	const struct series *b = *(struct series *const *)right;
	const struct rates_sorting *sorting = data;
	double x = sorting->order == ORDER_RATE ? a->rate : a->value;
	double y = sorting->order == ORDER_RATE ? b->rate : b->value;
	int names = strcmp(a->text, b->text), r = names;

	/* Numbers are in descending order, and NaN is last. */
	if (sorting->order != ORDER_NAME)
		r = isnan(x) || isnan(y) ? isnan(x) - isnan(y) : (x < y) - (x > y);
	if (sorting->reverse)
		r = -r;
	return r ? r : names;
}

int rates_select(const struct rates *rates, const char *search, enum rates_order order,
		 bool reverse, struct series ***ret, size_t *n, struct error *err)
{
	struct rates_sorting sorting = { order, reverse };
	struct series **list = calloc(rates->n + 1, sizeof(struct series *));

	if (!list)
		return error_oom(err);
	*n = 0;
	for (size_t i = 0; i < rates->n; i++) {
		struct series *series = rates->all[i];

		if (!search || strcasestr(series->place, search) ||
		    strcasestr(series->metric, search))
			list[(*n)++] = series;
	}
	qsort_r(list, *n, sizeof(*list), compare_series, &sorting);
	*ret = list;
	return 0;
}
