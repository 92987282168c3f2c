/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check of untrusted BTF: sections .BTF and .BTF.ext of an ELF object.
 *
 * libbpf before 1.6 does not validate the type ids and string offsets in BTF: a lookup can return
 * NULL, and code that follows type references can loop forever. btf_check() guarantees that each
 * type id is below the number of types, each name is a terminated string, each type lies within the
 * section, and no type contains itself. The functions keep no state and are safe from any thread.
 */
#ifndef DYNMON_BASE_BTF_CHECK_H
#define DYNMON_BASE_BTF_CHECK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define BTF_TYPES_MAX	    0xfffff /* the kernel's limit */
#define BTF_NAME_MAX	    65535   /* bytes of a name or tag */
#define BTF_RELOCATIONS_MAX 16384   /* CO-RE relocations of one object */
#define BTF_DEPTH_MAX	    64	    /* nesting depth of types; the kernel allows 32 */

/* Bounds of BTF that btf_check() accepted. */
struct btf_extent {
	uint32_t n_types;     /* number of types, including void (id 0) */
	uint32_t strings_len; /* bytes; every name offset is smaller */
};

/**
 * btf_check() - check the section .BTF
 * @bytes:  contents of the section, of any alignment
 * @len:    number of bytes
 * @ret:    receives the bounds on success, may be NULL
 * @err:    receives the reason for a failure
 *
 * Accepts a header longer than the known one, because newer compilers append fields.
 *
 * Return: 0, -EINVAL if the section is damaged, -E2BIG over a limit, -ENOMEM.
 */
int btf_check(const void *bytes, size_t len, struct btf_extent *ret, struct error *err);

/**
 * btf_ext_check() - check the section .BTF.ext
 * @bytes:  contents of the section, of any alignment
 * @len:    number of bytes
 * @btf:    bounds of the object's .BTF, from btf_check()
 * @err:    receives the reason for a failure
 *
 * Return: 0, -EINVAL if the section is damaged, -E2BIG over a limit.
 */
int btf_ext_check(const void *bytes, size_t len, const struct btf_extent *btf, struct error *err);

#endif
