/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/terminal.h"
#include "base/file.h"
#include "base/utf8.h"
#include "ctl/column.h"

#include <errno.h>
#include <unistd.h>

static struct terminal {
	int fd;
	FILE *plain, *filter; /* NULL: the descriptor is not a terminal */
	char begun[4];	      /* a sequence that is still incomplete */
	size_t n_begun;
} terminals[] = { { .fd = STDOUT_FILENO }, { .fd = STDERR_FILENO } };

/* final: no more bytes follow, so an incomplete sequence is invalid. */
static int write_shown(struct terminal *terminal, const char *bytes, size_t n, bool final)
{
	_cleanup_text_ struct text all = {}, out = {};
	size_t begun = 1, needed;
	unsigned char lead;

	text_add(&all, terminal->begun, terminal->n_begun);
	text_add(&all, bytes, n);
	if (text_status(&all) < 0)
		return -ENOMEM;
	/* Keep the last bytes if they can begin a sequence of two to four bytes. */
	while (begun < sizeof(terminal->begun) && begun < all.len &&
	       (all.data[all.len - begun] & 0xc0) == 0x80)
		begun++;
	lead = all.len ? (unsigned char)all.data[all.len - begun] : 0;
	needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
	if (final || begun >= needed)
		begun = 0;
	all.len -= begun;
	if (begun)
		memcpy(terminal->begun, all.data + all.len, begun);
	terminal->n_begun = begun;
	text_show(&out, all.data, all.len, column_utf8());
	return text_status(&out) < 0 ? -ENOMEM : file_write_fd(terminal->fd, out.data, out.len);
}

static ssize_t filter_write(void *cookie, const char *bytes, size_t n)
{
	int r = write_shown(cookie, bytes, n, false);

	errno = -r;
	return r < 0 ? 0 : (ssize_t)n;
}

static void flush_terminal(struct terminal *terminal)
{
	fflush(terminal->filter);
	write_shown(terminal, "", 0, true);
}

static void flush_terminals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(terminals); i++)
		if (terminals[i].filter)
			flush_terminal(&terminals[i]);
}

static struct terminal *terminal_find(FILE *stream)
{
	for (size_t i = 0; i < ARRAY_SIZE(terminals); i++)
		if (terminals[i].filter && terminals[i].filter == stream)
			return &terminals[i];
	return NULL;
}

void terminal_init(void)
{
	FILE **const streams[] = { &stdout, &stderr };
	const int buffering[] = { _IOLBF, _IONBF };

	for (size_t i = 0; i < ARRAY_SIZE(terminals); i++) {
		struct terminal *terminal = &terminals[i];

		if (!isatty(terminal->fd))
			continue;
		terminal->plain = *streams[i];
		terminal->filter = fopencookie(terminal, "w",
					       (cookie_io_functions_t){ .write = filter_write });
		if (!terminal->filter)
			abort();
		setvbuf(terminal->filter, NULL, buffering[i], BUFSIZ);
		*streams[i] = terminal->filter;
	}
	atexit(flush_terminals);
}

bool terminal_is(FILE *stream)
{
	return terminal_find(stream);
}

void terminal_colour(FILE *stream, const char *colour)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct terminal *terminal = terminal_find(stream);

	if (!terminal || (no_color && *no_color) || !term || !strcmp(term, "dumb"))
		return;
	flush_terminal(terminal);
	file_write_fd(terminal->fd, colour, strlen(colour));
}

FILE *terminal_screen(void)
{
	const struct terminal *terminal = terminal_find(stdout);

	return terminal ? terminal->plain : stdout;
}
