/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/instance.h"

#include <stdlib.h>
#include <string.h>

struct instance *instance_new(const struct pattern *pattern, const char *interface)
{
	struct instance *instance = calloc(1, sizeof(*instance));

	if (!instance)
		return NULL;
	instance->pattern = pattern;
	if (interface) {
		instance->interface = strdup(interface);
		if (!instance->interface)
			return instance_free(instance);
	}
	return instance;
}

struct instance *instance_free(struct instance *instance)
{
	if (!instance)
		return NULL;
	generation_unref(instance->generation);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (instance->adopted[direction] > 0)
			fd_close(&instance->adopted[direction]);
	free(instance->place);
	free(instance->interface);
	free(instance);
	return NULL;
}

void instance_detach(struct instance *instance, bool leave)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (leave && instance->pinned[direction])
			attachment_leave(&instance->attachments[direction]);
		else
			attachment_detach(&instance->attachments[direction]);
}
