/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/board.h"
#include "base/hash.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define INDEX_SIZE 32768 /* a power of two, three times the maximum number of entries */

static struct series *series_free(struct series *series)
{
	if (!series)
		return NULL;
	free(series->text);
	free(series->where);
	free(series->metric);
	free(series);
	return NULL;
}
DEFINE_CLEANUP(struct series *, series_free);

/* Separates labels that identify a place from the other labels. */
static int describe(struct series *series)
{
	static const char *const places[] = { "monitor", "interface", "direction" };
	_cleanup_text_ struct text where = {}, metric = {}, value = {};
	size_t name_len = series_name_len(series->text), len;
	const char *at = series->text + name_len, *name;

	text_add(&metric, series->text, name_len);
	while (series_label(&at, &name, &len, &value)) {
		bool place = false;

		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			place = place ||
				(strlen(places[i]) == len && !strncmp(places[i], name, len));
		if (place && !value.len)
			continue; /* not counted on an interface */
		if (place) {
			text_printf(&where, "%s%s", where.len ? " " : "", text_str(&value));
		} else {
			text_printf(&metric, " %.*s=", (int)len, name);
			text_add(&metric, value.data, value.len);
		}
	}
	series->where = text_steal(&where);
	series->metric = text_steal(&metric);
	return series->where && series->metric ? 0 : -ENOMEM;
}

static struct series *series_new(const struct sample *sample)
{
	_cleanup_(series_freep) struct series *series = calloc(1, sizeof(*series));

	if (!series)
		return NULL;
	for (size_t i = 0; i < BOARD_SECONDS; i++)
		series->points[i] = NAN;
	series->counts = sample->counts;
	series->text = strdup(sample->series);
	if (!series->text || describe(series) < 0)
		return NULL;
	return steal_ptr(&series);
}

/* Returns the slot of the series in the index, or the free slot for it. */
static size_t *board_find(const struct board *board, const char *text)
{
	size_t at = hash_bytes(text, strlen(text)) % INDEX_SIZE;

	while (board->index[at] && strcmp(board->all[board->index[at] - 1]->text, text) != 0)
		at = (at + 1) % INDEX_SIZE;
	return &board->index[at];
}

int board_init(struct board *board, unsigned int interval, struct error *err)
{
	*board = (struct board){
		.points = BOARD_SECONDS / interval,
		.all = calloc(BOARD_SERIES_MAX, sizeof(struct series *)),
		.index = calloc(INDEX_SIZE, sizeof(*board->index)),
	};
	if (board->all && board->index)
		return 0;
	board_release(board);
	return error_oom(err);
}

void board_release(struct board *board)
{
	for (size_t i = 0; i < board->n; i++)
		series_free(board->all[i]);
	free(board->all);
	free(board->index);
	*board = (struct board){};
}

void board_begin(struct board *board, double time)
{
	board->passed = board->read ? time - board->time : 0;
	board->time = time;
	board->read++;
	board->left_out = 0;
}

/* A counter that has decreased was reset: its new value is the increase since the reset. */
static double rate_of(const struct board *board, const struct series *series, double value)
{
	double more = value >= series->value ? value - series->value : value;

	if (!series->counts || board->passed <= 0 || series->seen + 1 != board->read)
		return NAN;
	return more / board->passed;
}

struct series *board_take(struct board *board, const struct sample *sample)
{
	size_t *at = board_find(board, sample->series);
	struct series *series;

	if (!*at) {
		if (board->n == BOARD_SERIES_MAX) {
			board->left_out++;
			return NULL;
		}
		series = series_new(sample);
		if (!series) {
			board->failed = true;
			return NULL;
		}
		board->all[board->n++] = series;
		*at = board->n;
	}
	series = board->all[*at - 1];
	series->rate = rate_of(board, series, sample->value);
	series->value = sample->value;
	series->seen = board->read;
	return series;
}

static void add_point(struct board *board, struct series *series)
{
	memmove(series->points, series->points + 1, (board->points - 1) * sizeof(float));
	series->points[board->points - 1] = series->counts		  ? (float)series->rate
					    : series->seen == board->read ? (float)series->value
									  : NAN;
}

int board_end(struct board *board, struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < board->n; i++) {
		struct series *series = board->all[i];

		if (series->seen != board->read)
			series->rate = NAN;
		if (board->read - series->seen >= board->points) {
			series_free(series);
			continue;
		}
		add_point(board, series);
		board->all[kept++] = series;
	}
	if (kept < board->n) {
		board->n = kept;
		memset(board->index, 0, INDEX_SIZE * sizeof(*board->index));
		for (size_t i = 0; i < kept; i++)
			*board_find(board, board->all[i]->text) = i + 1;
	}
	return board->failed ? error_oom(err) : 0;
}

const char *order_name(enum order order)
{
	static const char *const names[] = {
		[ORDER_RATE] = "rate",
		[ORDER_VALUE] = "value",
		[ORDER_NAME] = "name",
	};

	return names[order];
}

struct direction {
	enum order order;
	bool reverse;
};

/* Descending order; NaN is last. */
static int compare_numbers(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a < b) - (a > b);
}

static int compare(const void *left, const void *right, void *data)
{
	const struct series *a = *(struct series *const *)left;
	const struct series *b = *(struct series *const *)right;
	const struct direction *direction = data;
	int r = 0;

	if (direction->order == ORDER_RATE)
		r = compare_numbers(a->rate, b->rate);
	else if (direction->order == ORDER_VALUE)
		r = compare_numbers(a->value, b->value);
	if (direction->order == ORDER_NAME)
		r = strcmp(a->text, b->text);
	if (direction->reverse)
		r = -r;
	return r ? r : strcmp(a->text, b->text);
}

int board_select(const struct board *board, const char *search, enum order order, bool reverse,
		 struct series ***ret, size_t *n, struct error *err)
{
	struct direction direction = { order, reverse };
	struct series **list = calloc(board->n + 1, sizeof(struct series *));

	if (!list)
		return error_oom(err);
	*n = 0;
	for (size_t i = 0; i < board->n; i++) {
		struct series *series = board->all[i];

		if (!search || strcasestr(series->where, search) ||
		    strcasestr(series->metric, search))
			list[(*n)++] = series;
	}
	qsort_r(list, *n, sizeof(*list), compare, &direction);
	*ret = list;
	return 0;
}
