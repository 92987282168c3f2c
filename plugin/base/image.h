/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sections and programs of an ELF object in memory.
 *
 * Objects arrive over sockets and are untrusted: the functions check every offset, index and length
 * before use. An image borrows the bytes of the object, which need no alignment. Returned pointers
 * point into these bytes. Only eBPF objects in the byte order of this machine are accepted. An
 * image is read-only after image_init(), so threads can share it without a lock.
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
	uint64_t sections; /* offset of the section headers, which lie within the bytes */
	uint32_t n_sections;
	const char *names; /* names of sections; the last byte is NUL */
	uint64_t names_len;
};

/* A function in an executable section other than .text. Both strings end within the image. */
struct image_program {
	const char *name;
	const char *section;
};

/**
 * image_is_elf() - test if bytes start with the ELF magic number
 * @bytes:  any bytes
 * @len:    number of bytes
 *
 * Return: true if they do.
 */
bool image_is_elf(const void *bytes, size_t len);

/**
 * image_init() - find the section headers of an ELF object
 * @image:  image to initialize; needs no release
 * @bytes:  the object, which must outlive the image
 * @len:    number of bytes
 * @err:    receives the reason for a failure
 *
 * Return: 0, or -EINVAL if the bytes are not an eBPF object of this byte order.
 */
int image_init(struct image *image, const void *bytes, size_t len, struct error *err);

/**
 * image_section() - copy a section header
 * @image:  the object
 * @i:      index below n_sections
 *
 * Return: the header. Its fields are unchecked values from the file.
 */
Elf64_Shdr image_section(const struct image *image, uint32_t i);

/**
 * image_section_name() - get the name of a section
 * @image:    the object
 * @section:  a section header of the object
 *
 * Return: a string, "" if the name lies outside the name table.
 */
const char *image_section_name(const struct image *image, const Elf64_Shdr *section);

/**
 * image_strings() - find a string table
 * @image:  the object
 * @i:      index of a section, may be out of range
 * @len:    receives the number of bytes; the last byte is NUL
 *
 * Return: the table, or NULL if section @i is not a string table within the object.
 */
const char *image_strings(const struct image *image, uint32_t i, uint64_t *len);

/**
 * image_has() - test if a range lies within the object
 * @image:   the object
 * @offset:  start of the range in bytes
 * @len:     number of bytes; the sum with @offset may overflow
 *
 * Return: true if it does.
 */
bool image_has(const struct image *image, uint64_t offset, uint64_t len);

/**
 * image_find_section() - find the contents of the first section with a name
 * @image:  the object
 * @name:   name of the section
 * @ret:    receives the contents
 * @len:    receives the number of bytes
 * @err:    receives the reason for a failure
 *
 * Return: 1 if found, 0 if no section has the name, -EINVAL if the section has no contents or
 * exceeds the object.
 */
int image_find_section(const struct image *image, const char *name, const char **ret, size_t *len,
		       struct error *err);

/**
 * image_list_programs() - list the programs in the order of the symbol table
 * @image:     the object
 * @programs:  receives the programs; the strings point into the object
 * @n:         receives the number of programs
 * @err:       receives the reason for a failure
 *
 * Return: 0, -EINVAL if the symbols are damaged, -E2BIG for more than IMAGE_PROGRAMS_MAX.
 */
int image_list_programs(const struct image *image,
			struct image_program programs[IMAGE_PROGRAMS_MAX], size_t *n,
			struct error *err);

/* A position among the references of statically initialized maps. Zeroed: before the first one. */
struct image_reference {
	uint32_t section;
	uint64_t entry;
};

/**
 * image_next_reference() - find the next symbol that a statically initialized map refers to
 * @image:  the object
 * @at:     position, advanced to the reference
 *
 * These are the functions in a PROG_ARRAY and the inner maps in a map of maps. A symbol may be
 * found several times.
 *
 * Return: the name of the symbol, which points into the object; NULL at the end.
 */
const char *image_next_reference(const struct image *image, struct image_reference *at);

/* Returns true if a statically initialized map refers to the symbol. */
bool image_is_referenced(const struct image *image, const char *symbol);

#endif
