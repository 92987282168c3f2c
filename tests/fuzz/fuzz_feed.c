/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of a <Feed> block, and matching of value names. The input is an option's name, NUL, its
 * value, NUL, and a value name to match. Built and run by tests/run fuzz.
 */
#include "config/settings.h"
#include "decode/cell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(settings_release) struct settings settings = {};
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *words = calloc(1, size + 3);
	const char *value, *id;
	struct settings_node node;

	if (!words || settings_init(&settings, NULL) < 0 ||
	    settings_open(settings_root(&settings), "Feed", "fed", &node, NULL) < 0)
		return 0;
	memcpy(words, data, size);
	value = words + strlen(words) + 1;
	id = value + strlen(value) + 1;
	if (id > words + size + 2)
		id = "";
	if (settings_set(node, words, value, &err) < 0 && !err.message)
		abort();
	if (settings.feeds[0].match)
		feed_settings_match(&settings.feeds[0], id);
	if (settings.feeds[0].key && cell_check_key(settings.feeds[0].key, NULL) < 0)
		abort();
	return 0;
}
