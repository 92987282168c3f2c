/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-2-4, a keyed hash: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF",
 * 2012. An attacker who does not know the key cannot construct collisions in a hash table.
 */
#ifndef DYNMON_BASE_SIPHASH_H
#define DYNMON_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/**
 * siphash() - hash bytes with a secret key
 * @key:    random secret of 128 bits
 * @bytes:  input, of any alignment
 * @n:      number of bytes
 *
 * Return: the hash, which is the same on machines of either byte order.
 */
uint64_t siphash(const uint64_t key[2], const void *bytes, size_t n);

#endif
