/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The <Plugin dynmon> blocks of collectd's configuration: as collectd gives them to the plugin at
 * the start, and read again from its files later on, in a child process: see files.h.
 */
#ifndef DYNMON_COLLECTD_CONFIG_READER_H
#define DYNMON_COLLECTD_CONFIG_READER_H

#include "config/settings.h"

struct oconfig_item_s;

/*
 * Remembers where collectd's configuration is: from collectd's own command line, or as built in.
 * To be called before collectd changes its directory. -ENOMEM.
 */
int config_reader_locate(struct error *err);
void config_reader_forget(void);

/*
 * Takes a block into settings, which add up. warnings: a line for each option that is not known.
 * On failure all mistakes are in err, a line each.
 */
int config_reader_take(struct settings *settings, const struct oconfig_item_s *item,
		       struct text *warnings, struct error *err);

/*
 * Reads all blocks again, as collectd would at its start. On success ret is the caller's. On
 * failure err says which file, and for what is no proper syntax which line. Safe from any thread;
 * takes a few milliseconds, and at most CONFIG_SECONDS_MAX.
 */
#define CONFIG_SECONDS_MAX 10
int config_reader_read(struct settings *ret, struct text *warnings, struct error *err);

#endif
