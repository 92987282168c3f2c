/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accept headers. Run: clang -g -fsanitize=fuzzer,address,undefined -std=gnu11 -D_GNU_SOURCE
 * -Iplugin tests/fuzz/fuzz_accept.c with all of libdynmon and its libraries, then
 * ./a.out -max_total_time=60.
 */
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
	/* Who does not name it does not get it. */
	if (exposition == EXPOSITION_OPENMETRICS && !strcasestr(accept, "openmetrics"))
		abort();
	if (exposition == EXPOSITION_PROTOBUF && !strcasestr(accept, "encoding=delimited"))
		abort();
	return 0;
}
