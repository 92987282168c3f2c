/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads collectd's configuration files with the parser of the daemon and follows Include as the
 * daemon does.
 *
 * Call these functions only in a child process that does nothing else: the parser is not
 * thread-safe, prints its errors to stderr, keeps state after a broken file, and calls exit() on
 * some errors.
 */
#ifndef DYNMON_COLLECTD_CONFIG_FILES_H
#define DYNMON_COLLECTD_CONFIG_FILES_H

#include "base/error.h"
#include "base/text.h"

struct oconfig_item_s;

struct config_files {
	/*
	 * Called for each <Plugin> block with the name @plugin, in collectd's order. The strings
	 * and the block are valid during the call.
	 */
	void (*take)(void *data, const char *file, const struct oconfig_item_s *block);
	void *data;
	const char *plugin;
	struct text warnings; /* one per line; released by the owner of the struct */
};

/**
 * config_files_read() - read a file and all files that it includes
 * @files:  receives the blocks and warnings
 * @file:   path of the main configuration file
 *
 * Return: 0; -EBADMSG after a syntax error, which the parser has described on stderr; otherwise
 * -errno, with the file in @err.
 */
int config_files_read(struct config_files *files, const char *file, struct error *err);

#endif
