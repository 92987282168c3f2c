/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arbitrary bytes as a ring buffer record. Built and run by tests/run fuzz. */
#include "kernel/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_text_ struct text out = {};
	enum log_level level;

	event_format(data, size, &level, &out);
	return 0;
}
