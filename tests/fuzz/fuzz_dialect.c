/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes through the dialect's translation: no crash, and what is not rewritten is kept. */
#include "cc/dialect.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_text_ struct text out = {}, again = {};
	_cleanup_error_ struct error err = {};
	const char *source = (const char *)data;

	dialect_detect(source, size);
	if (dialect_translate(source, size, &out, &err) < 0)
		return 0;
	/* Every rewriting makes the text longer by far less than this. */
	if (out.len > 4 * size + 64)
		abort();
	/* A translation has nothing left to translate. */
	if (dialect_translate(out.data, out.len, &again, &err) < 0 || again.len != out.len)
		abort();
	return 0;
}
