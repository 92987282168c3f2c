/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash of bytes: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
#ifndef DYNMON_BASE_HASH_H
#define DYNMON_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t hash_bytes(const char *bytes, size_t n)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
	return hash;
}

#endif
