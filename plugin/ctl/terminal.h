/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter between dynmonctl and a terminal.
 *
 * Names and errors that dynmonctl prints are bytes that others choose. terminal_init() replaces
 * stdout and stderr, each on its own, by a stream that escapes what is not printable, if the
 * descriptor is a terminal. A stream that is a pipe or a file stays as it is, byte for byte. No
 * verb can forget the filter, as all of stdio goes through it, also messages of libraries. Only
 * colours and ncurses write past the filter, by the functions here.
 *
 * Not for use by several threads.
 */
#ifndef DYNMON_CTL_TERMINAL_H
#define DYNMON_CTL_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* Call once, after setlocale() and before the first output. If memory runs out, the process ends.
 */
void terminal_init(void);

/* Whether the stream is a terminal, with the filter. */
bool terminal_is(FILE *stream);

/* Writes an escape sequence of ours past the filter, after what was written before. Only to a
 * terminal. */
void terminal_control(FILE *stream, const char *sequence);

/* The terminal of stdout without the filter; stdout itself where there is no filter. */
FILE *terminal_screen(void);

#endif
