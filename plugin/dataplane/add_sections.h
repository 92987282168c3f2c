/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adds sections to an ELF object with libelf. libbpf ignores the added sections.
 *
 * Pass only objects that dataplane_build() has accepted: libelf is not safe against forged files.
 * The function keeps no state; any thread may call it.
 */
#ifndef DYNMON_DATAPLANE_ADD_SECTIONS_H
#define DYNMON_DATAPLANE_ADD_SECTIONS_H

#include "base/error.h"
#include "base/text.h"

/* A section to add. The caller owns the strings and bytes. */
struct image_section {
	const char *name;
	const void *bytes;
	size_t len;
};

/**
 * image_add_sections() - copy an object and add sections to the copy
 * @object:    ELF object, not modified
 * @sections:  sections to append, in this order
 * @n:         number of sections
 * @out:       the new object is appended
 * @err:       receives the message of libelf on failure
 *
 * Uses a memfd while it runs.
 *
 * Return: 0 on success, -EINVAL if libelf rejects the object, other -errno on failure.
 */
int image_add_sections(const struct text *object, const struct image_section *sections, size_t n,
		       struct text *out, struct error *err);

#endif
