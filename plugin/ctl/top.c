/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/top.h"
#include "base/clock.h"
#include "ctl/column.h"
#include "ctl/layout.h"
#include "ctl/terminal.h"

#include <errno.h>
#include <ncurses.h>
#include <time.h>

#define SEARCH_MAX 60 /* bytes */
#define ESCAPE	   27
#define SKIP_STEP  8
#define SKIP_MAX   1024

enum attribute { ATTRIBUTE_TITLE, ATTRIBUTE_HEADER, ATTRIBUTE_ROW, ATTRIBUTE_TROUBLE };

struct screen {
	const struct top *top;
	struct board board;
	struct series **list; /* owned by the board, in the order of the display */
	size_t n;
	size_t first; /* index of the first row on the screen */
	size_t rows;  /* rows available on the screen */
	size_t skip;  /* horizontal scroll position in the metric column */
	enum order order;
	bool reverse, paused, help, entering, quit;
	char search[SEARCH_MAX + 1];
	struct error trouble; /* error of the last read */
	bool utf8;
};

/* Omits histogram buckets, which are numerous, creation times, and the self metrics. */
static bool top_is_shown(const struct sample *sample)
{
	static const char bucket[] = "_bucket", own[] = "dynmon_", created[] = "_created";
	const char *end = sample->series + sample->name_len;

	return strncmp(sample->series, own, sizeof(own) - 1) != 0 &&
	       !(sample->name_len > sizeof(bucket) &&
		 !strncmp(end - sizeof(bucket) + 1, bucket, sizeof(bucket) - 1)) &&
	       !(sample->name_len > sizeof(created) &&
		 !strncmp(end - sizeof(created) + 1, created, sizeof(created) - 1));
}

static void top_take_sample(void *data, const struct sample *sample)
{
	if (top_is_shown(sample))
		board_take(data, sample);
}

static void read_board(struct screen *screen)
{
	const struct reading reading = {
		.socket_file = screen->top->socket_file,
		.monitor = screen->top->monitor,
		.take = top_take_sample,
		.data = &screen->board,
	};
	_cleanup_error_ struct error err = {};
	int r;

	error_release(&screen->trouble);
	board_begin(&screen->board, ((double)clock_now_ns() * 1e-9));
	r = reading_run(&reading, &screen->trouble);
	if (board_end(&screen->board, &err) < 0 && r == 0)
		error_set(&screen->trouble, err.code, "%s", error_message(&err));
}

/* -- drawing -- */

static void draw_line(const struct screen *screen, int y, const char *words,
		      enum attribute attribute)
{
	static const attr_t attributes[] = {
		[ATTRIBUTE_TITLE] = A_BOLD,
		[ATTRIBUTE_HEADER] = A_REVERSE,
		[ATTRIBUTE_ROW] = A_NORMAL,
		[ATTRIBUTE_TROUBLE] = A_BOLD,
	};
	_cleanup_text_ struct text line = {};

	if (y < 0 || y >= LINES || COLS < 1)
		return;
	column_fit(&line, words, (size_t)COLS, false, screen->utf8);
	attrset(attributes[attribute]);
	if (attribute == ATTRIBUTE_TROUBLE && has_colors())
		attron(COLOR_PAIR(1));
	mvaddstr(y, 0, text_str(&line));
	attrset(A_NORMAL);
}

static void draw_title(const struct screen *screen)
{
	const struct board *board = &screen->board;
	_cleanup_text_ struct text line = {};

	text_printf(&line, "dynmonctl top%s%s - ", screen->top->monitor ? " " : "",
		    screen->top->monitor ? screen->top->monitor : "");
	if (screen->n < board->n)
		text_printf(&line, "%zu of ", screen->n);
	text_printf(&line, "%zu series", board->n);
	if (board->left_out)
		text_printf(&line, ", %zu more left out", board->left_out);
	text_printf(&line, ", every %u s, by %s%s%s", screen->top->interval,
		    order_name(screen->order), screen->reverse ? ", reversed" : "",
		    screen->paused ? ", paused" : "");
	draw_line(screen, 0, text_str(&line), ATTRIBUTE_TITLE);
}

static void draw_bottom(const struct screen *screen)
{
	_cleanup_text_ struct text line = {};
	bool trouble = screen->trouble.code && !screen->entering;

	if (screen->entering)
		text_printf(&line, "/%s_", screen->search);
	else if (trouble)
		text_adds(&line, error_message(&screen->trouble));
	else
		text_printf(&line, "%s%s%sq quit  s sort  r reverse  / search  p pause  h help",
			    *screen->search ? "/" : "", screen->search,
			    *screen->search ? "  " : "");
	draw_line(screen, LINES > 1 ? LINES - 1 : -1, text_str(&line),
		  trouble ? ATTRIBUTE_TROUBLE : ATTRIBUTE_TITLE);
}

static void draw_help(const struct screen *screen)
{
	static const char *const lines[] = {
		"",
		"  q              quit",
		"  s              sort by rate, by value, by name",
		"  r              the other way round",
		"  /              search: series that have these words; Esc shows all again",
		"  p or blank     pause, and go on",
		"  arrows, pages  up and down, and along the labels",
		"  h or ?         this, and back",
		"",
		"  A rate is the growth per second since the read before; gauges have none.",
		"  The last minute shows rates, of gauges values, from zero to their largest.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines) && (int)i + 1 < LINES - 1; i++)
		draw_line(screen, (int)i + 1, lines[i], ATTRIBUTE_ROW);
}

static void draw_list(struct screen *screen)
{
	_cleanup_text_ struct text header = {};
	struct layout layout;
	size_t where = 0;

	for (size_t i = 0; i < screen->n; i++) {
		size_t width = column_width(screen->list[i]->where, screen->utf8);

		where = width > where ? width : where;
	}
	layout_init(&layout, (size_t)COLS, where, screen->utf8);
	layout.skip = screen->skip;
	layout_header(&layout, &header);
	draw_line(screen, 1, text_str(&header), ATTRIBUTE_HEADER);
	for (size_t i = 0; i < screen->rows && screen->first + i < screen->n; i++) {
		_cleanup_text_ struct text row = {};

		layout_row(&layout, screen->list[screen->first + i], screen->board.points, &row);
		draw_line(screen, (int)i + 2, text_str(&row), ATTRIBUTE_ROW);
	}
	if (!screen->n)
		draw_line(screen, 2,
			  *screen->search ? "no series has these words" : "there are no series",
			  ATTRIBUTE_ROW);
}

static int draw(struct screen *screen, struct error *err)
{
	free(screen->list);
	screen->list = NULL;
	if (board_select(&screen->board, screen->search, screen->order, screen->reverse,
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

static void enter(struct screen *screen, int key)
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

static void handle(struct screen *screen, int key)
{
	if (screen->entering) {
		enter(screen, key);
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

static int loop(struct screen *screen, struct error *err)
{
	double next = ((double)clock_now_ns() * 1e-9) + screen->top->interval;

	while (!screen->quit) {
		double left = next - ((double)clock_now_ns() * 1e-9);
		int key;

		if (draw(screen, err) < 0)
			return err->code;
		timeout(left > 0 ? (int)(left * 1000) + 1 : 0);
		key = getch();
		if (key != ERR)
			handle(screen, key);
		if (((double)clock_now_ns() * 1e-9) < next)
			continue;
		if (!screen->paused)
			read_board(screen);
		next += screen->top->interval;
		if (next < ((double)clock_now_ns() * 1e-9))
			next = ((double)clock_now_ns() * 1e-9) + screen->top->interval;
	}
	return 0;
}

static SCREEN *terminal_open(struct error *err)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	SCREEN *terminal = newterm(NULL, terminal_screen(), stdin);

	if (!terminal) {
		error_set(err, -ENOTTY, "top: a terminal \"%.60s\" (TERM) is not known here",
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

int top_run(const struct top *top, struct error *err)
{
	struct screen screen = { .top = top, .utf8 = column_utf8() };
	SCREEN *terminal = NULL;
	int r;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(err, -ENOTTY, "top wants a terminal; watch prints lines");
	r = board_init(&screen.board, top->interval, err);
	if (r < 0)
		return r;
	read_board(&screen);
	if (screen.trouble.code)
		r = error_set(err, screen.trouble.code, "%s", error_message(&screen.trouble));
	if (r == 0 && !(terminal = terminal_open(err)))
		r = err->code;
	if (r == 0) {
		r = loop(&screen, err);
		endwin();
		delscreen(terminal);
	}
	free(screen.list);
	error_release(&screen.trouble);
	board_release(&screen.board);
	return r;
}
