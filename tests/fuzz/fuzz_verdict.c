/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A verifier log that quotes the source, and the source. The input is the log, NUL, and the source.
 * Built and run by tests/run fuzz.
 */
#include "program/verifier_log.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct direction_config config = { .origin = (char *)"code" };
	_cleanup_error_ struct error err = {};
	const uint8_t *end = memchr(data, 0, size);
	size_t len = end ? (size_t)(end - data) : size;

	if (len < size)
		text_add(&config.source, data + len + 1, size - len - 1);
	error_set(&err, -EACCES, "%.*s", (int)len, (const char *)data);
	if (verifier_log_annotate(&err, -EACCES, &config) != -EACCES || err.code != -EACCES)
		abort();
	/* The annotated message still contains the original one. */
	if (!memmem(error_message(&err), strlen(error_message(&err)), data, len))
		abort();
	text_release(&config.source);
	return 0;
}
