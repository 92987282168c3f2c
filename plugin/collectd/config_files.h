/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts collectd's configuration to JSON: blocks that collectd passes to the plugin, and blocks
 * that this module reads from collectd's files with the parser of the daemon.
 *
 * An item becomes an array of its key, an array of its values as strings, and an array of the items
 * in its block. Bytes that are not UTF-8 are kept.
 */
#ifndef DYNMON_COLLECTD_CONFIG_FILES_H
#define DYNMON_COLLECTD_CONFIG_FILES_H

#include "base/error.h"

#include <json-c/json.h>

struct oconfig_item_s;

#define CONFIG_LEVELS_MAX 8 /* nested blocks */

/**
 * config_item_to_json() - convert an option or a block
 * @item:    the item
 * @levels:  number of nested blocks to convert; deeper ones are ignored
 *
 * Return: the item, for json_object_put(); NULL if memory ran out.
 */
struct json_object *config_item_to_json(const struct oconfig_item_s *item, int levels);

/**
 * config_files_read() - read a file and all files that it includes, as the daemon does
 * @file:  path of the main configuration file
 * @ret:   receives an array of the <Plugin dynmon> blocks in collectd's order; each is an array of
 *         its file and its item
 * @err:   names the file
 *
 * Call this function only in a child process that does nothing else: the parser is not thread-safe,
 * prints its errors to stderr, keeps state after a broken file, and calls exit() on some errors.
 * Warnings go to stderr, too.
 *
 * Return: 0; -EBADMSG after a syntax error, which the parser has described on stderr; otherwise
 * -errno.
 */
int config_files_read(const char *file, struct json_object **ret, struct error *err);

#endif
