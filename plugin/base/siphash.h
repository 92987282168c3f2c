/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-2-4, of J.-P. Aumasson and D. J. Bernstein: "SipHash: a fast short-input PRF", 2012.
 * Who does not know the key cannot choose bytes that meet in one slot of a table.
 */
#ifndef DYNMON_BASE_SIPHASH_H
#define DYNMON_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t n);

#endif
