/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accept headers. Built and run by tests/run fuzz. */
#include "export/openmetrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *accept = malloc(size + 1);
	enum exposition exposition;

	memcpy(accept, data, size);
	accept[size] = '\0';
	exposition = exposition_negotiate(accept);
	if ((unsigned int)exposition >= EXPOSITION_COUNT)
		abort();
	/* A format is selected only if the header names it. */
	if (exposition == EXPOSITION_OPENMETRICS && !strcasestr(accept, "openmetrics"))
		abort();
	if (exposition == EXPOSITION_PROTOBUF && !strcasestr(accept, "encoding=delimited"))
		abort();
	return 0;
}
