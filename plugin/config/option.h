/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of all options of all blocks: it defines how each value is parsed and where the value
 * is stored. The table is constant. Other directories use settings.h instead.
 */
#ifndef DYNMON_CONFIG_OPTION_H
#define DYNMON_CONFIG_OPTION_H

#include "config/settings.h"

struct option {
	enum settings_block block;
	const char *name;
	/* Parses a value and stores it at @to. Returns 0, -EINVAL with a message, or -ENOMEM. */
	int (*take)(void *to, const char *value, struct error *err);
	/* Compares two stored values. */
	bool (*same)(const void *a, const void *b);
	size_t offset; /* offset of the value in the block's struct */
	bool live;     /* <Plugin dynmon> only: a reload applies a change */
};

/* In the order of messages; the last element has no name. */
extern const struct option options[];

/* Returns true if two blocks of the option's kind have the same value for the option. */
bool option_equal(const struct option *option, const void *a, const void *b);

/*
 * Names are used in file names, addresses, and space-separated words. Returns 0 or -EINVAL. @name
 * may be NULL, which is invalid.
 */
int monitor_name_check(const char *name, struct error *err);

#endif
