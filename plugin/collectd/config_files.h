/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collectd's configuration files, parsed by the daemon's own parser and followed through Include as
 * the daemon does. That parser is not for several threads, prints its complaints to stderr, goes on
 * with the rest of a broken file when it is asked for the next one, and has errors at which it ends
 * the process: this is for a child process that does nothing else.
 */
#ifndef DYNMON_COLLECTD_CONFIG_FILES_H
#define DYNMON_COLLECTD_CONFIG_FILES_H

#include "base/error.h"
#include "base/text.h"

struct oconfig_item_s;

struct config_files {
	/* Called for each <Plugin> block of that name, in collectd's order. */
	void (*take)(void *data, const char *file, const struct oconfig_item_s *block);
	void *data;
	const char *plugin;
	struct text warnings; /* each ended by a newline; the owner releases it */
};

/*
 * Reads a file and all that it includes. -errno, with the file in the message; -EBADMSG: the parser
 * has said on stderr what and where.
 */
int config_files_read(struct config_files *files, const char *file, struct error *err);

#endif
