/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter between dynmonctl and a terminal.
 *
 * Names and errors that dynmonctl prints contain untrusted bytes. If the descriptor of stdout or
 * stderr is a terminal, terminal_init() replaces the stream by a filter that escapes characters
 * that are not printable. Output to pipes and files is not changed. The filter covers all of stdio,
 * including messages of libraries, so that no verb can bypass the filter by mistake. Only colours
 * and ncurses write past the filter, with the functions below.
 *
 * Not thread-safe.
 */
#ifndef DYNMON_CTL_TERMINAL_H
#define DYNMON_CTL_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* Call once, after setlocale() and before the first output. If memory runs out, the process ends.
 */
void terminal_init(void);

/* Returns true if the stream is a terminal and has the filter. */
bool terminal_is(FILE *stream);

/*
 * Writes an escape sequence of dynmonctl past the filter, after all earlier output. For terminals
 * only.
 */
void terminal_control(FILE *stream, const char *sequence);

/* Returns the terminal of stdout without the filter, or stdout if it has no filter. */
FILE *terminal_screen(void);

#endif
