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
struct writing {
	const data_set_t *ds;
	const value_list_t *list;
	gauge_t *rates; /* from collectd's cache; NULL if not requested yet */
};

static void writing_release(struct writing *writing)
{
	free(writing->rates);
}

static int find_source(const data_set_t *ds, const char *name, size_t *ret, struct error *err)
{
	_cleanup_text_ struct text all = {};

	for (*ret = 0; *ret < ds->ds_num; ++*ret) {
		if (!name || !strcasecmp(ds->ds[*ret].name, name))
			return 0;
		text_printf(&all, "%s%s", all.len ? ", " : "", ds->ds[*ret].name);
	}
	return error_set(err, -ENOENT, "type %s has no data source \"%s\"; there are %s", ds->type,
			 name ? name : "", text_str(&all));
}

/*
 * Returns a gauge unchanged, other types as a rate. A rate does not exist before the second value.
 */
static int get_value(void *data, const char *name, double *ret, struct error *err)
{
	struct writing *writing = data;
	size_t i;
	int r = find_source(writing->ds, name, &i, err);

	if (r < 0)
		return r;
	*ret = NAN;
	if (i >= writing->list->values_len)
		return 0;
	if (writing->ds->ds[i].type == DS_TYPE_GAUGE) {
		*ret = writing->list->values[i].gauge;
		return 0;
	}
	if (!writing->rates)
		writing->rates = uc_get_rate(writing->ds, writing->list);
	if (writing->rates)
		*ret = writing->rates[i];
	return 0;
}

/*
 * A sender can write any host into a packet. The network plugin marks the values that it received.
 */
static bool is_own(const value_list_t *list)
{
	bool received = false;

	if (list->meta)
		meta_data_get_boolean(list->meta, "network:received", &received);
	return !received && !strcmp(list->host, hostname_g);
}

/*
 * Runs in collectd's write threads. Always returns 0: the plugin itself logs values that cannot be
 * stored in a map.
 */
static int feed_input_write(const data_set_t *ds, const value_list_t *list, user_data_t *user_data)
{
	_cleanup_(writing_release) struct writing writing = { .ds = ds, .list = list };
	struct feed_source source = { .get = get_value, .data = &writing };
	struct registry *to = registry;
	char id[6 * DATA_MAX_NAME_LEN];

	(void)user_data;
	if (!to || !feeds_want(to->feeds, list->plugin))
		return 0;
	if (FORMAT_VL(id, sizeof(id), list) != 0)
		return 0;
	source.id = id;
	source.own = is_own(list);
	source.time = CDTIME_T_TO_DOUBLE(list->time);
	registry_feed(to, &source);
	return 0;
}

void feed_input_register(void)
{
	plugin_register_write(PLUGIN, feed_input_write, NULL);
}

void feed_input_start(struct registry *to)
{
	registry = to;
}

void feed_input_stop(void)
{
	registry = NULL;
}
