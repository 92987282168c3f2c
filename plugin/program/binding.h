/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding: a loaded generation's metrics find their maps, and what was added up of them before. */
#ifndef DYNMON_PROGRAM_BINDING_H
#define DYNMON_PROGRAM_BINDING_H

#include "program/generation.h"

/*
 * Makes the metrics of a generation whose objects are loaded, and which is the monitor's or, with
 * NULL, nobody's. A metric that was in previous, which
 * may be NULL, goes on with what it has added up if its map does. report: a line for each that does
 * not do what one would expect; may be NULL. Errors name the path.
 */
int generation_bind(struct generation *generation, const char *monitor,
		    const struct generation *previous, struct text *report, struct error *err);

#endif
