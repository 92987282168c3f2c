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

/* NULL before init and after shutdown: values are dropped then. */
static struct registry *_Atomic registry;

/* A value list, and its rates once somebody has asked for one. */
struct writing {
	const data_set_t *ds;
	const value_list_t *list;
	gauge_t *rates; /* collectd's own cache has them; NULL: not asked for */
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

/* A gauge as it is; all else as a rate, which is not there before the second value. */
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

/* A sender may write any host into a packet; the network plugin marks what it received. */
static bool is_own(const value_list_t *list)
{
	bool received = false;

	if (list->meta)
		meta_data_get_boolean(list->meta, "network:received", &received);
	return !received && !strcmp(list->host, hostname_g);
}

/* In collectd's write threads. Always 0: what cannot be put into a map is ours to tell. */
static int feed_input_write(const data_set_t *ds, const value_list_t *list, user_data_t *user_data)
{
	_cleanup_(writing_release) struct writing writing = { .ds = ds, .list = list };
	struct feed_source source = { .get = get_value, .data = &writing };
	struct registry *to = registry;
	char id[6 * DATA_MAX_NAME_LEN];

	(void)user_data;
	if (!to || !registry_wants(to, list->plugin))
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
