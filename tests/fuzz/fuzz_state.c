/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State files of saved monitors. Built and run by tests/run fuzz. */
#include "monitor/saved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_text_ struct text warnings = {};
	_cleanup_error_ struct error err = {};
	struct saved saved = {};
	int r = saved_parse((const char *)data, size, "x", &saved, &warnings, &err);

	if (r > 0 || (r < 0 && !err.message))
		abort();
	if (r == 0 && (!saved.settings.name || saved.history.n > N_DIRECTIONS))
		abort();
	for (size_t i = 0; i < saved.history.n; i++)
		if (!saved.history.layers[i].file == !saved.history.layers[i].bytes.len)
			abort();
	saved_release(&saved);
	return 0;
}
