/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check of untrusted BTF: sections .BTF and .BTF.ext of an ELF object.
 *
 * libbpf before 1.6 checks none of the ids and offsets in BTF, so that every lookup may return NULL
 * and every walk over the types may run in a circle. After btf_check() each type id is below the number of
 * types, each name is a string, each type lies within the section, and no type contains itself.
 * Stateless; any thread may call it.
 */
#ifndef DYNMON_BASE_BTF_CHECK_H
#define DYNMON_BASE_BTF_CHECK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define BTF_TYPES_MAX	    0xfffff /* the kernel's limit */
#define BTF_NAME_MAX	    65535   /* bytes of a name or tag */
#define BTF_RELOCATIONS_MAX 16384   /* CO-RE relocations of one object */
#define BTF_DEPTH_MAX	    64 /* types that contain or name one another: the kernel takes 32 */

/* The bounds of checked BTF. */
struct btf_extent {
	uint32_t n_types;     /* void is one of them, and has the id 0 */
	uint32_t strings_len; /* bytes; a name is an offset below that */
};

/**
 * btf_check() - check the section .BTF
 * @bytes:  the contents, of any alignment
 * @len:    number of bytes
 * @ret:    receives the bounds, may be NULL
 * @err:    receives the reason of a failure
 *
 * A header longer than the known one is accepted: newer compilers append fields.
 *
 * Return: 0, -EINVAL if the section is damaged, -E2BIG over a limit, -ENOMEM.
 */
int btf_check(const void *bytes, size_t len, struct btf_extent *ret, struct error *err);

/**
 * btf_ext_check() - check the section .BTF.ext
 * @bytes:  the contents, of any alignment
 * @len:    number of bytes
 * @btf:    the bounds of the object's .BTF
 * @err:    receives the reason of a failure
 *
 * Return: 0, -EINVAL if the section is damaged, -E2BIG over a limit.
 */
int btf_ext_check(const void *bytes, size_t len, const struct btf_extent *btf, struct error *err);

#endif
