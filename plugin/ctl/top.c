/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl top: a live view of the series in a terminal. */
#include "base/clock.h"
#include "ctl/column.h"
#include "ctl/subcommand.h"
#include "ctl/terminal.h"
#include "ctl/top_row.h"

#include <errno.h>
#include <ncurses.h>

#define SEARCH_MAX 60 /* bytes */
#define ESCAPE	   27
#define SKIP_STEP  8
#define SKIP_MAX   1024

struct screen {
	const struct options *options;
	const char *monitor; /* NULL: all */
	struct rates rates;
	struct series **list; /* owned by the rates, in the order of the display */
	size_t n;
	size_t first; /* index of the first row on the screen */
	size_t rows;  /* rows available on the screen */
	size_t skip;  /* horizontal scroll position in the metric column */
	enum rates_order order;
	bool reverse, paused, help, entering, quit;
	char search[SEARCH_MAX + 1];
	struct error error; /* of the last read */
	bool utf8;
};

/* Omits histogram buckets, which are numerous, creation times, and the self metrics. */
static void update_screen(void *data, const struct sample *sample)
{
	if (strncmp(sample->series, "dynmon_", 7) != 0 && !sample_has_suffix(sample, "_bucket") &&
	    !sample_has_suffix(sample, "_created"))
		rates_update(data, sample);
}

static void read_rates(struct screen *screen)
{
	const struct scrape_handler handler = { .sample = update_screen, .data = &screen->rates };
	_cleanup_error_ struct error err = {};
	int r;

	error_release(&screen->error);
	rates_begin(&screen->rates, (double)clock_now_ns() * 1e-9);
	r = scrape_run(screen->options->socket_file, screen->monitor, &handler, &screen->error);
	if (rates_end(&screen->rates, &err) < 0 && r == 0)
		error_set(&screen->error, err.code, "%s", error_message(&err));
}

/* -- drawing -- */

static void draw_line(const struct screen *screen, int y, const char *s, attr_t attributes)
{
	_cleanup_text_ struct text line = {};

	if (y < 0 || y >= LINES || COLS < 1)
		return;
	column_fit(&line, s, (size_t)COLS, false, screen->utf8);
	attrset(attributes);
	mvaddstr(y, 0, text_str(&line));
	attrset(A_NORMAL);
}

static void draw_title(const struct screen *screen)
{
	const struct rates *rates = &screen->rates;
	_cleanup_text_ struct text line = {};

	text_printf(&line, "dynmonctl top%s%s - ", screen->monitor ? " " : "",
		    screen->monitor ? screen->monitor : "");
	if (screen->n < rates->n)
		text_printf(&line, "%zu of ", screen->n);
	text_printf(&line, "%zu series", rates->n);
	if (rates->left_out)
		text_printf(&line, ", %zu more left out", rates->left_out);
	text_printf(&line, ", every %u s, by %s%s%s", screen->options->interval,
		    rates_order_name(screen->order), screen->reverse ? ", reversed" : "",
		    screen->paused ? ", paused" : "");
	draw_line(screen, 0, text_str(&line), A_BOLD);
}

static void draw_bottom(const struct screen *screen)
{
	bool error = screen->error.code && !screen->entering;
	_cleanup_text_ struct text line = {};

	if (screen->entering)
		text_printf(&line, "/%s_", screen->search);
	else if (error)
		text_adds(&line, error_message(&screen->error));
	else
		text_printf(&line, "%s%s%sq quit  s sort  r reverse  / search  p pause  h help",
			    *screen->search ? "/" : "", screen->search,
			    *screen->search ? "  " : "");
	draw_line(screen, LINES > 1 ? LINES - 1 : -1, text_str(&line),
		  error && has_colors() ? A_BOLD | (attr_t)COLOR_PAIR(1) : A_BOLD);
}

static void draw_help(const struct screen *screen)
{
	static const char *const lines[] = {
		"",
		"  q              quit",
		"  s              sort by rate, by value, by name",
		"  r              reverse the order",
		"  /              search: show series that contain these words; Esc shows all",
		"  p, space       pause or resume",
		"  arrows, pages  scroll up and down, and along the labels",
		"  h, ?           show or close this help",
		"",
		"  The rate is the increase per second since the last read; gauges have none.",
		"  The chart of the last minute shows rates; for gauges it shows values.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines) && (int)i + 1 < LINES - 1; i++)
		draw_line(screen, (int)i + 1, lines[i], A_NORMAL);
}

static void draw_list(struct screen *screen)
{
	_cleanup_text_ struct text header = {};
	struct top_layout layout;
	size_t place = 0;

	for (size_t i = 0; i < screen->n; i++) {
		size_t width = column_width(screen->list[i]->place, screen->utf8);

		place = width > place ? width : place;
	}
	top_layout_init(&layout, (size_t)COLS, place, screen->utf8);
	layout.skip = screen->skip;
	top_row_header(&layout, &header);
	draw_line(screen, 1, text_str(&header), A_REVERSE);
	for (size_t i = 0; i < screen->rows && screen->first + i < screen->n; i++) {
		_cleanup_text_ struct text row = {};

		top_row_series(&layout, screen->list[screen->first + i], screen->rates.points,
			       &row);
		draw_line(screen, (int)i + 2, text_str(&row), A_NORMAL);
	}
	if (!screen->n)
		draw_line(screen, 2,
			  *screen->search ? "no series contains these words"
					  : "there are no series",
			  A_NORMAL);
}

static int draw_screen(struct screen *screen, struct error *err)
{
	free(screen->list);
	screen->list = NULL;
	if (rates_select(&screen->rates, screen->search, screen->order, screen->reverse,
			 &screen->list, &screen->n, err) < 0)
		return err->code;
	screen->rows = LINES > 3 ? (size_t)LINES - 3 : 0;
	if (screen->first + screen->rows > screen->n)
		screen->first = screen->n > screen->rows ? screen->n - screen->rows : 0;
	erase();
	draw_title(screen);
	if (screen->help)
		draw_help(screen);
	else
		draw_list(screen);
	draw_bottom(screen);
	refresh();
	return 0;
}

/* -- keys -- */

static void edit_search(struct screen *screen, int key)
{
	size_t len = strlen(screen->search);

	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		screen->entering = false;
	} else if (key == ESCAPE) {
		screen->entering = false;
		screen->search[0] = '\0';
	} else if (key == KEY_BACKSPACE || key == '\b' || key == 127) {
		while (len && (screen->search[--len] & 0xc0) == 0x80)
			;
		screen->search[len] = '\0';
	} else if (key >= ' ' && key <= 0xff && len < SEARCH_MAX) {
		screen->search[len] = (char)key;
		screen->search[len + 1] = '\0';
	}
}

static void scroll_by(struct screen *screen, long by)
{
	long first = (long)screen->first + by, last = (long)screen->n - (long)screen->rows;

	first = first > last ? last : first;
	screen->first = first > 0 ? (size_t)first : 0;
}

static void handle_key(struct screen *screen, int key)
{
	if (screen->entering) {
		edit_search(screen, key);
		return;
	}
	switch (key) {
	case 'q':
		screen->quit = true;
		break;
	case 's':
		screen->order = (screen->order + 1) % ORDER_COUNT;
		break;
	case 'r':
		screen->reverse = !screen->reverse;
		break;
	case '/':
		screen->entering = true;
		break;
	case ESCAPE:
		screen->search[0] = '\0';
		screen->help = false;
		break;
	case 'p':
	case ' ':
		screen->paused = !screen->paused;
		break;
	case 'h':
	case '?':
		screen->help = !screen->help;
		break;
	case KEY_UP:
		scroll_by(screen, -1);
		break;
	case KEY_DOWN:
		scroll_by(screen, 1);
		break;
	case KEY_RIGHT:
		screen->skip += screen->skip < SKIP_MAX ? SKIP_STEP : 0;
		break;
	case KEY_LEFT:
		screen->skip -= screen->skip ? SKIP_STEP : 0;
		break;
	case KEY_PPAGE:
		scroll_by(screen, -(long)screen->rows);
		break;
	case KEY_NPAGE:
		scroll_by(screen, (long)screen->rows);
		break;
	case KEY_HOME:
		screen->first = 0;
		break;
	case KEY_END:
		scroll_by(screen, (long)screen->n);
		break;
	}
}

/* -- main loop -- */

static int run_screen(struct screen *screen, struct error *err)
{
	uint64_t interval = screen->options->interval * CLOCK_NS_PER_S;
	uint64_t next = clock_now_ns() + interval;

	while (!screen->quit) {
		uint64_t now = clock_now_ns();
		int key;

		if (draw_screen(screen, err) < 0)
			return err->code;
		timeout(next > now ? (int)((next - now) / 1000000) + 1 : 0);
		key = getch();
		if (key != ERR)
			handle_key(screen, key);
		if (clock_now_ns() < next)
			continue;
		if (!screen->paused)
			read_rates(screen);
		next += interval;
		now = clock_now_ns();
		if (next < now)
			next = now + interval;
	}
	return 0;
}

static SCREEN *open_screen(struct error *err)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	SCREEN *terminal = newterm(NULL, terminal_screen(), stdin);

	if (!terminal) {
		error_set(err, -ENOTTY, "top: unknown type of terminal \"%.60s\"; set TERM",
			  term ? term : "");
		return NULL;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	if ((!no_color || !*no_color) && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
	return terminal;
}

int ctl_top(const struct options *options, char **words, size_t n, struct error *err)
{
	struct screen screen = {
		.options = options,
		.monitor = n ? words[0] : NULL,
		.utf8 = column_utf8(),
	};
	SCREEN *terminal = NULL;
	int r;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(err, -ENOTTY, "top requires a terminal; use watch to print lines");
	r = rates_init(&screen.rates, options->interval, err);
	if (r < 0)
		return r;
	/* Fail if the first read fails. Later errors are displayed, and reading is retried. */
	read_rates(&screen);
	if (screen.error.code)
		r = error_set(err, screen.error.code, "%s", error_message(&screen.error));
	else if ((terminal = open_screen(err))) {
		r = run_screen(&screen, err);
		endwin();
		delscreen(terminal);
	} else {
		r = err->code;
	}
	free(screen.list);
	error_release(&screen.error);
	rates_release(&screen.rates);
	return r;
}
