/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accept headers. Built and run by tests/run fuzz. */
#include "export/negotiation.h"
#include "export/protobuf.h"
#include "export/text_encoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *accept = malloc(size + 1);
	const struct encoding *encoding;

	memcpy(accept, data, size);
	accept[size] = '\0';
	encoding = negotiate_encoding(accept);
	/* A format is selected only if the header names it. */
	if (encoding == &encoding_openmetrics && !strcasestr(accept, "openmetrics"))
		abort();
	if (encoding == &encoding_protobuf && !strcasestr(accept, "encoding=delimited"))
		abort();
	return 0;
}
