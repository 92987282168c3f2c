/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding: connects the metrics of a loaded generation with their maps and accumulators. */
#ifndef DYNMON_PROGRAM_BINDING_H
#define DYNMON_PROGRAM_BINDING_H

#include "program/generation.h"

/**
 * generation_bind() - create the metrics of a generation
 * @generation: its objects are loaded
 * @monitor:    name of the owner; NULL: none
 * @previous:   a metric keeps its accumulator if its map is kept; may be NULL
 * @report:     receives a line for each metric that does not behave as expected; may be NULL
 * @err:        receives the reason of a failure, with the direction named
 *
 * Called by one thread before the generation is published.
 *
 * Return: 0, or -errno.
 */
int generation_bind(struct generation *generation, const char *monitor,
		    const struct generation *previous, struct text *report, struct error *err);

#endif
