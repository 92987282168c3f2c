/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/direction.h"

#include <strings.h>

static const struct {
	const char *name, *key;
} directions[N_DIRECTIONS] = {
	[INGRESS] = { "ingress", "ingress-path" },
	[EGRESS] = { "egress", "egress-path" },
};

const char *direction_name(enum direction direction)
{
	return directions[direction].name;
}

const char *direction_key(enum direction direction)
{
	return directions[direction].key;
}

int direction_from_name(const char *name)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (!strcasecmp(name, directions[direction].name))
			return direction;
	return -1;
}
