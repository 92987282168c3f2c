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

/* Call once, after setlocale() and before the first output. Aborts if memory runs out. */
void terminal_init(void);

/* Returns true if the stream is a terminal and has the filter. */
bool terminal_is(FILE *stream);

#define COLOUR_BOLD   "\033[1m"
#define COLOUR_RED    "\033[31m"
#define COLOUR_GREEN  "\033[32m"
#define COLOUR_YELLOW "\033[33m"
#define COLOUR_END    "\033[0m"

/* Switches to a colour after all earlier output, if the stream is a terminal with colours. */
void terminal_colour(FILE *stream, const char *colour);

/* Returns the terminal of stdout without the filter, or stdout if it has no filter. */
FILE *terminal_screen(void);

#endif
