/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FNV-1a, a hash of bytes: http://www.isthe.com/chongo/tech/comp/fnv/
 *
 * The hash has no key, so anyone can construct collisions. Use siphash() for tables whose keys come
 * from packets.
 */
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
