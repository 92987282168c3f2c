/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the plugin's values and rates from collectd's cache. Thread-safe between init and shutdown.
 */
#ifndef DYNMON_COLLECTD_VALUE_CACHE_H
#define DYNMON_COLLECTD_VALUE_CACHE_H

#include "base/error.h"
#include "base/text.h"

/* Returns true if host/plugin-instance/type-instance is a value of this plugin. */
bool value_cache_is_ours(const char *identifier);

/* The callback get_values() of registry_observer. */
int value_cache_get(void *data, const char *identifier, struct text *lines, struct error *err);

#endif
