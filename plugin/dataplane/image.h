/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF object in memory: its sections and programs, and a way to add sections.
 *
 * Reading is done by hand and believes nothing: objects come over the socket, and libelf is more
 * code than this takes. An image borrows its bytes, which may lie anywhere; all it gives out points
 * into them. Only eBPF objects of this machine's byte order are images.
 */
#ifndef DYNMON_DATAPLANE_IMAGE_H
#define DYNMON_DATAPLANE_IMAGE_H

#include "base/error.h"
#include "base/text.h"

#define IMAGE_PROGRAMS_MAX 256

struct image {
	const char *bytes;
	size_t len;
	uint64_t sections; /* offset of the section headers, all within the bytes */
	uint32_t n_sections;
	const char *names; /* of sections; the last byte is NUL */
	uint64_t names_len;
};

/* A function in an executable section that is not .text. Both strings end within the image. */
struct image_program {
	const char *name;
	const char *section;
};

/* A section to be added. */
struct image_section {
	const char *name;
	const void *bytes;
	size_t len;
};

/* Whether the bytes begin as an ELF file does, whatever comes then. */
bool image_is_elf(const void *bytes, size_t len);

/* -EINVAL with words that say what is wrong with it. There is nothing to release. */
int image_init(struct image *image, const void *bytes, size_t len, struct error *err);

/*
 * Points at the contents of the first section of that name.
 * 1: it is there; 0: there is none; -EINVAL: it does not lie within the image.
 */
int image_find_section(const struct image *image, const char *name, const char **ret, size_t *len,
		       struct error *err);

/*
 * Lists the programs in the order of the symbol table; *n is how many.
 * -EINVAL: the symbols are damaged; -E2BIG: more than IMAGE_PROGRAMS_MAX.
 */
int image_list_programs(const struct image *image,
			struct image_program programs[IMAGE_PROGRAMS_MAX], size_t *n,
			struct error *err);

/*
 * Appends to out the object with n more sections, which the loader passes over. For objects of
 * one's own: libelf does it, and takes a file in memory meanwhile. -EINVAL with libelf's words.
 */
int image_add_sections(const struct text *object, const struct image_section *sections, size_t n,
		       struct text *out, struct error *err);

#endif
