/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the <Plugin dynmon> blocks of collectd's configuration. At the start collectd passes the
 * blocks to the plugin. For a reload, a child process reads them again from collectd's files, see
 * config_files.h.
 */
#ifndef DYNMON_COLLECTD_CONFIG_READER_H
#define DYNMON_COLLECTD_CONFIG_READER_H

#include "config/settings.h"

struct oconfig_item_s;

/**
 * config_reader_locate() - remember the path of collectd's configuration file
 *
 * The path comes from collectd's command line; without -C it is the compiled-in path. Call this
 * function before collectd changes its working directory. Further calls do nothing.
 *
 * Return: 0 or -ENOMEM.
 */
int config_reader_locate(struct error *err);
void config_reader_forget(void);

/**
 * config_reader_apply() - add a <Plugin dynmon> block to settings
 * @settings:  initialized; several blocks add up
 * @block:     the block
 * @warnings:  receives a line for each unknown option
 * @err:       not NULL; receives all errors, one per line
 *
 * Return: 0, or -errno of an error.
 */
int config_reader_apply(struct settings *settings, const struct oconfig_item_s *block,
			struct text *warnings, struct error *err);

/**
 * config_reader_read() - read all blocks again, as collectd would at its start
 * @ret:       receives the settings on success; the caller releases them
 * @warnings:  receives warnings, one per line
 * @err:       not NULL; names the file, and for a syntax error the line
 *
 * Thread-safe. Takes a few milliseconds, and at most CONFIG_SECONDS_MAX seconds.
 *
 * Return: 0 or -errno.
 */
#define CONFIG_SECONDS_MAX 10
int config_reader_read(struct settings *ret, struct text *warnings, struct error *err);

#endif
