/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collectd.h"
#include "plugin.h"
#include "utils/common/common.h"
#include "utils_cache.h"

#include "collectd/feed_input.h"

#include "monitor/registry.h"

#include <errno.h>
#include <math.h>

#define PLUGIN "dynmon"

/* NULL before init and after shutdown: values are then dropped. */
static struct registry *_Atomic registry;

/* A value list, with its rates once they have been requested. */
struct value_list_rates {
	const data_set_t *ds;
	const value_list_t *list;
	gauge_t *rates; /* from collectd's cache; NULL if not requested yet */
};

/*
 * Returns a gauge unchanged, other types as a rate. A rate does not exist before the second value.
 */
static int get_source_value(void *data, const char *name, double *ret, struct error *err)
{
	struct value_list_rates *values = data;
	const data_set_t *ds = values->ds;
	_cleanup_text_ struct text names = {};
	size_t i = 0;

	for (; i < ds->ds_num && name && strcasecmp(ds->ds[i].name, name) != 0; i++)
		text_printf(&names, "%s%s", names.len ? ", " : "", ds->ds[i].name);
	if (i == ds->ds_num)
		return error_set(err, -ENOENT, "type %s has no data source \"%s\"; there are %s",
				 ds->type, name ? name : "", text_str(&names));
	*ret = NAN;
	if (i >= values->list->values_len)
		return 0;
	if (ds->ds[i].type == DS_TYPE_GAUGE) {
		*ret = values->list->values[i].gauge;
		return 0;
	}
	if (!values->rates)
		values->rates = uc_get_rate(ds, values->list);
	if (values->rates)
		*ret = values->rates[i];
	return 0;
}

/*
 * Runs in collectd's write threads. Always returns 0: the plugin itself logs values that cannot be
 * stored in a map.
 */
static int feed_input_write(const data_set_t *ds, const value_list_t *list, user_data_t *user_data)
{
	struct value_list_rates values = { .ds = ds, .list = list };
	struct registry *receiver = registry;
	char id[6 * DATA_MAX_NAME_LEN];
	bool received = false;

	(void)user_data;
	if (!receiver || !feeds_want(receiver->feeds, list->plugin))
		return 0;
	if (FORMAT_VL(id, sizeof(id), list) != 0)
		return 0;
	/* A sender can write any host into a packet. The network plugin marks what it received. */
	if (list->meta)
		meta_data_get_boolean(list->meta, "network:received", &received);
	registry_feed(receiver, &(struct feed_source){
					.id = id,
					.own = !received && !strcmp(list->host, hostname_g),
					.time = CDTIME_T_TO_DOUBLE(list->time),
					.get = get_source_value,
					.data = &values,
				});
	free(values.rates);
	return 0;
}

void feed_input_register(void)
{
	plugin_register_write(PLUGIN, feed_input_write, NULL);
}

void feed_input_start(struct registry *receiver)
{
	registry = receiver;
}

void feed_input_stop(void)
{
	registry = NULL;
}
