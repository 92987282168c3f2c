/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check of an untrusted ELF object before libbpf opens the object.
 *
 * libbpf trusts most of an object: type ids, string offsets, sizes of functions. image_check()
 * rejects objects that make libbpf, or other users of the BTF, access memory out of bounds, follow
 * cycles, or allocate without a limit. Both the sandboxed trial and the process that loads the
 * object call this function, because a passed trial proves only that one process survived. The
 * function keeps no state and is safe from any thread.
 */
#ifndef DYNMON_BASE_IMAGE_CHECK_H
#define DYNMON_BASE_IMAGE_CHECK_H

#include "base/image.h"

#define IMAGE_SECTIONS_MAX  4096
#define IMAGE_SYMBOLS_MAX   65536
#define IMAGE_FUNCTIONS_MAX 4096
#define IMAGE_NAME_MAX	    1023		/* bytes in the name of a function or section */
#define IMAGE_VARIABLES_MAX (256 * 1024 * 1024) /* bytes of a section without contents (.bss) */

/**
 * image_check() - check sections, symbols, relocations, instructions and BTF of an object
 * @bytes:  the object
 * @len:    number of bytes
 * @err:    receives the reason for a failure
 *
 * Return: 0, -EINVAL if the object is damaged, -E2BIG over a limit, -ENOMEM.
 */
int image_check(const void *bytes, size_t len, struct error *err);

#endif
