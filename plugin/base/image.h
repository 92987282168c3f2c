/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF object in memory: its sections and programs.
 *
 * Objects arrive over sockets, so nothing in them is trusted: every offset, index and length is
 * checked before use. An image borrows its bytes, which need no alignment; every pointer that it
 * returns points into these bytes. Only eBPF objects of this machine's byte order are images.
 * Read-only after image_init(); any number of threads may use an image.
 */
#ifndef DYNMON_BASE_IMAGE_H
#define DYNMON_BASE_IMAGE_H

#include "base/error.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_PROGRAMS_MAX 256

struct image {
	const char *bytes;
	size_t len;
	uint64_t sections; /* offset of the section headers, all within the bytes */
	uint32_t n_sections;
	const char *names; /* of sections; the last byte is NUL */
	uint64_t names_len;
};

/* A function in an executable section other than .text. Both strings end within the image. */
struct image_program {
	const char *name;
	const char *section;
};

/**
 * image_is_elf() - tell whether bytes start like an ELF file
 * @bytes:  any bytes
 * @len:    number of bytes
 */
bool image_is_elf(const void *bytes, size_t len);

/**
 * image_init() - find the section headers of an ELF object
 * @image:  initialized; there is nothing to release
 * @bytes:  the object, which must outlive the image
 * @len:    number of bytes
 * @err:    receives the reason of a failure
 *
 * Return: 0, or -EINVAL if the bytes are no eBPF object.
 */
int image_init(struct image *image, const void *bytes, size_t len, struct error *err);

/**
 * image_section() - copy a section header
 * @image:  the object
 * @i:      index below n_sections
 *
 * The fields of the header are as the file has them, and not checked.
 */
Elf64_Shdr image_section(const struct image *image, uint32_t i);

/**
 * image_section_name() - the name of a section
 * @image:    the object
 * @section:  a header of the object
 *
 * Return: a string; "" if the name lies outside the table of names.
 */
const char *image_section_name(const struct image *image, const Elf64_Shdr *section);

/**
 * image_strings() - find a string table
 * @image:  the object
 * @i:      index of a section, may be out of range
 * @len:    receives the number of bytes; the last one is NUL
 *
 * Return: the table, or NULL if section @i is no string table within the object.
 */
const char *image_strings(const struct image *image, uint32_t i, uint64_t *len);

/**
 * image_has() - tell whether a range lies within the object
 * @image:   the object
 * @offset:  start of the range
 * @len:     number of bytes
 */
bool image_has(const struct image *image, uint64_t offset, uint64_t len);

/**
 * image_find_section() - find the contents of the first section of a name
 * @image:  the object
 * @name:   name of the section
 * @ret:    receives the contents
 * @len:    receives the number of bytes
 * @err:    receives the reason of a failure
 *
 * Return: 1 if found, 0 if there is no such section, -EINVAL if it exceeds the object.
 */
int image_find_section(const struct image *image, const char *name, const char **ret, size_t *len,
		       struct error *err);

/**
 * image_list_programs() - list the programs in the order of the symbol table
 * @image:     the object
 * @programs:  receives the programs
 * @n:         receives their number
 * @err:       receives the reason of a failure
 *
 * Return: 0, -EINVAL if the symbols are damaged, -E2BIG for more than IMAGE_PROGRAMS_MAX.
 */
int image_list_programs(const struct image *image,
			struct image_program programs[IMAGE_PROGRAMS_MAX], size_t *n,
			struct error *err);

#endif
