/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *buffer_resize(void *buffer, size_t old_size, size_t size)
{
	void *mapped;

	if (size < BUFFER_MAPPED_MIN)
		return realloc(buffer, size);
	if (old_size >= BUFFER_MAPPED_MIN) {
		mapped = mremap(buffer, old_size, size, MREMAP_MAYMOVE);
		return mapped == MAP_FAILED ? NULL : mapped;
	}
	/* cppcheck-suppress invalidFunctionArg; MAP_ANONYMOUS takes -1 */
	mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapped == MAP_FAILED)
		return NULL;
	if (buffer)
		memcpy(mapped, buffer, old_size);
	free(buffer);
	return mapped;
}

void buffer_free(void *buffer, size_t size)
{
	if (buffer && size >= BUFFER_MAPPED_MIN)
		munmap(buffer, size);
	else
		free(buffer);
}
