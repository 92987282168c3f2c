/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The levels of the dialect's pcn_log(), in options and in the records of a running dataplane. */
#ifndef DYNMON_BASE_DIALECT_LEVEL_H
#define DYNMON_BASE_DIALECT_LEVEL_H

#include "base/log.h"

struct dialect_level {
	const char *name;
	enum log_level severity; /* of a record, in our log */
};

/* Number of LOG_OFF in dynmon/dialect.h, the highest level. LOG_TRACE is 0. */
#define DIALECT_LEVEL_OFF 6

/* Indexed by the number of the level in dynmon/dialect.h. */
extern const struct dialect_level dialect_levels[DIALECT_LEVEL_OFF + 1];

#define DIALECT_LEVEL_NAMES "off, critical, error, warn, info, debug, trace"

/* Returns the number of the level with a name, in any letter case, or -ENOENT if there is none. */
int dialect_level_find(const char *name);

#endif
