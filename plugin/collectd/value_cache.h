/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collectd's cache: the plugin's values as collectd has them, with their rates. Safe from any
 * thread, between init and shutdown.
 */
#ifndef DYNMON_COLLECTD_VALUE_CACHE_H
#define DYNMON_COLLECTD_VALUE_CACHE_H

#include "base/error.h"
#include "base/text.h"

/* Whether host/plugin-instance/type-instance is a value of this plugin. */
bool value_cache_is_ours(const char *identifier);

/* registry_observer's list_values() and get_value(). */
int value_cache_list(void *data, struct text *lines, struct error *err);
int value_cache_get(void *data, const char *identifier, struct text *lines, struct error *err);

#endif
