/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adds sections, which the loader ignores, to an ELF object with libelf. Only for objects that this
 * program compiled. Stateless; any thread may call it.
 */
#ifndef DYNMON_DATAPLANE_ADD_SECTIONS_H
#define DYNMON_DATAPLANE_ADD_SECTIONS_H

#include "base/error.h"
#include "base/text.h"

/* A section to be added. */
struct image_section {
	const char *name;
	const void *bytes;
	size_t len;
};

/**
 * image_add_sections() - copy an object and add sections to the copy
 * @object:    an ELF object
 * @sections:  the sections, appended in this order
 * @n:         number of sections
 * @out:       the new object is appended
 * @err:       receives libelf's message
 *
 * Needs a file in memory while it runs.
 *
 * Return: 0, or -errno; -EINVAL if libelf rejects the object.
 */
int image_add_sections(const struct text *object, const struct image_section *sections, size_t n,
		       struct text *out, struct error *err);

#endif
