/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dialect translation of arbitrary bytes: it must not crash, and must keep the number of lines. */
#include "cc/dialect.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines(const char *at, size_t len)
{
	size_t n = 0;

	while (len--)
		n += *at++ == '\n';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_text_ struct text out = {};
	_cleanup_error_ struct error err = {};
	const char *source = (const char *)data;

	dialect_detect(source, size);
	if (dialect_translate(source, size, &out, &err) < 0)
		return 0;
	if (lines(source, size) != lines(out.data, out.len))
		abort();
	if (out.len > 4 * size) /* limit of the growth by rewriting */
		abort();
	return 0;
}
