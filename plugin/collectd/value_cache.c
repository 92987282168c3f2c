/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collectd.h"
#include "plugin.h"
#include "utils/common/common.h"
#include "utils_cache.h"

#include "collectd/value_cache.h"

#include <errno.h>
#include <math.h>

bool value_cache_is_ours(const char *identifier)
{
	static const char name[] = "dynmon";
	const char *plugin = strchr(identifier, '/');
	size_t len = sizeof(name) - 1;

	return plugin && !strncmp(plugin + 1, name, len) &&
	       (plugin[len + 1] == '-' || plugin[len + 1] == '/');
}

static int list_values(struct text *lines, struct error *err)
{
	_cleanup_free_ cdtime_t *times = NULL;
	_cleanup_free_ char **names = NULL;
	size_t n = 0;

	if (uc_get_names(&names, &times, &n) != 0)
		return error_set(err, -EIO, "collectd failed to list the values of its cache");
	for (size_t i = 0; i < n; i++) {
		if (value_cache_is_ours(names[i]))
			text_printf(lines, "%.3f %s\n", CDTIME_T_TO_DOUBLE(times[i]), names[i]);
		free(names[i]);
	}
	return 0;
}

/* The error messages are those of collectd's own GETVAL. */
int value_cache_get(void *data, const char *identifier, struct text *lines, struct error *err)
{
	_cleanup_free_ char *copy = identifier ? strdup(identifier) : NULL;
	_cleanup_free_ gauge_t *rates = NULL;
	char *host, *plugin, *plugin_instance, *type, *type_instance;
	const data_set_t *ds;
	size_t n = 0;

	(void)data;
	if (!identifier)
		return list_values(lines, err);
	if (!copy)
		return error_oom(err);
	if (parse_identifier(copy, &host, &plugin, &plugin_instance, &type, &type_instance, NULL) !=
	    0)
		return error_set(err, -EINVAL, "Cannot parse identifier `%.200s'.", identifier);
	ds = plugin_get_ds(type);
	if (!ds)
		return error_set(err, -ENOENT, "Type `%.100s' is unknown.", type);
	if (!value_cache_is_ours(identifier) || uc_get_rate_by_name(identifier, &rates, &n) != 0 ||
	    n != ds->ds_num)
		return error_set(err, -ENOENT, "No such value.");
	for (size_t i = 0; i < n; i++)
		if (isnan(rates[i]))
			text_printf(lines, "%s=NaN\n", ds->ds[i].name);
		else
			text_printf(lines, "%s=%12e\n", ds->ds[i].name, rates[i]);
	return 0;
}
