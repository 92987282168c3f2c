/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/dialect_level.h"

#include <errno.h>
#include <strings.h>

/* collectd does not show debug messages, so trace and debug are logged as info. */
const struct dialect_level dialect_levels[] = {
	{ "trace", LOG_LEVEL_INFO },   { "debug", LOG_LEVEL_INFO }, { "info", LOG_LEVEL_INFO },
	{ "warn", LOG_LEVEL_WARNING }, { "error", LOG_LEVEL_ERR },  { "critical", LOG_LEVEL_ERR },
	{ "off", LOG_LEVEL_INFO },
};

int dialect_level_find(const char *name)
{
	for (int i = 0; i <= DIALECT_LEVEL_OFF; i++)
		if (!strcasecmp(dialect_levels[i].name, name))
			return i;
	return -ENOENT;
}
