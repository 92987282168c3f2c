/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of all blocks: one const table says which value each takes and where it goes.
 * settings.h is how others use it.
 */
#ifndef DYNMON_CONFIG_OPTION_H
#define DYNMON_CONFIG_OPTION_H

#include "config/settings.h"

struct option {
	enum settings_block block;
	const char *name;
	/* Checks the value and writes it to the place of the option. -EINVAL with words, -ENOMEM.
	 */
	int (*take)(void *to, const char *value, struct error *err);
	/* Whether two such places say the same. */
	bool (*same)(const void *a, const void *b);
	size_t offset; /* in the block's struct */
	bool live;     /* of <Plugin dynmon>: a reload changes it */
};

/* In the order in which messages list them; ended by one without a name. */
extern const struct option options[];

/* Whether two blocks of the option's kind say the same there. */
bool option_equal(const struct option *option, const void *a, const void *b);

/* Names stand in file names, addresses and lines of words. -EINVAL; name may be NULL. */
int monitor_name_check(const char *name, struct error *err);

#endif
