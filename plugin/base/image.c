/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/image.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#ifndef EM_BPF
#define EM_BPF 247
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define DATA_HERE ELFDATA2LSB
#else
#define DATA_HERE ELFDATA2MSB
#endif

bool image_is_elf(const void *bytes, size_t len)
{
	return len >= SELFMAG && !memcmp(bytes, ELFMAG, SELFMAG);
}

bool image_has(const struct image *image, uint64_t offset, uint64_t len)
{
	return offset <= image->len && len <= image->len - offset;
}

/* Copies the header, because headers need not be aligned. */
Elf64_Shdr image_section(const struct image *image, uint32_t i)
{
	Elf64_Shdr section;

	memcpy(&section, image->bytes + image->sections + (uint64_t)i * sizeof(section),
	       sizeof(section));
	return section;
}

/* Accepts only tables that end with NUL, so that every offset within a table is a string. */
const char *image_strings(const struct image *image, uint32_t i, uint64_t *len)
{
	Elf64_Shdr section;

	if (i >= image->n_sections)
		return NULL;
	section = image_section(image, i);
	if (section.sh_type != SHT_STRTAB || !section.sh_size ||
	    !image_has(image, section.sh_offset, section.sh_size) ||
	    image->bytes[section.sh_offset + section.sh_size - 1])
		return NULL;
	*len = section.sh_size;
	return image->bytes + section.sh_offset;
}

int image_init(struct image *image, const void *bytes, size_t len, struct error *err)
{
	Elf64_Ehdr header;

	*image = (struct image){ .bytes = bytes, .len = len };
	if (len < sizeof(header))
		return error_set(err, -EINVAL, "the ELF object is cut off: %zu bytes", len);
	memcpy(&header, bytes, sizeof(header));
	if (!image_is_elf(bytes, len) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != DATA_HERE || header.e_type != ET_REL ||
	    (header.e_machine != EM_BPF && header.e_machine != EM_NONE))
		return error_set(err, -EINVAL,
				 "expected an eBPF object of this byte order (clang -target bpf "
				 "-c), found another ELF file: machine %u, class %u, data %u, "
				 "type %u",
				 header.e_machine, header.e_ident[EI_CLASS],
				 header.e_ident[EI_DATA], header.e_type);
	if (header.e_shentsize != sizeof(Elf64_Shdr) || !header.e_shnum ||
	    !image_has(image, header.e_shoff, (uint64_t)header.e_shnum * sizeof(Elf64_Shdr)))
		return error_set(err, -EINVAL,
				 "the ELF object is damaged: %u section headers at %llu do not "
				 "lie within its %zu bytes",
				 header.e_shnum, (unsigned long long)header.e_shoff, len);
	image->sections = header.e_shoff;
	image->n_sections = header.e_shnum;
	image->names = image_strings(image, header.e_shstrndx, &image->names_len);
	if (!image->names)
		return error_set(err, -EINVAL,
				 "the ELF object is damaged: section %u has no names of sections",
				 header.e_shstrndx);
	return 0;
}

const char *image_section_name(const struct image *image, const Elf64_Shdr *section)
{
	return section->sh_name < image->names_len ? image->names + section->sh_name : "";
}

int image_find_section(const struct image *image, const char *name, const char **ret, size_t *len,
		       struct error *err)
{
	for (uint32_t i = 1; i < image->n_sections; i++) {
		Elf64_Shdr section = image_section(image, i);

		if (strcmp(image_section_name(image, &section), name) != 0)
			continue;
		if (section.sh_type == SHT_NOBITS ||
		    !image_has(image, section.sh_offset, section.sh_size))
			return error_set(err, -EINVAL,
					 "the ELF object is damaged: section %s, %llu bytes at "
					 "%llu, does not lie within its %zu bytes",
					 name, (unsigned long long)section.sh_size,
					 (unsigned long long)section.sh_offset, image->len);
		*ret = image->bytes + section.sh_offset;
		*len = section.sh_size;
		return 1;
	}
	return 0;
}

/* Returns the section name of a symbol that is a program, or NULL for other symbols. */
static const char *program_section(const struct image *image, const Elf64_Sym *symbol)
{
	Elf64_Shdr section;
	const char *name;

	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx >= image->n_sections)
		return NULL;
	section = image_section(image, symbol->st_shndx);
	name = image_section_name(image, &section);
	/* Functions in .text are called by programs and are not programs. */
	return section.sh_type == SHT_PROGBITS && section.sh_flags & SHF_EXECINSTR &&
			       strcmp(name, ".text") != 0
		       ? name
		       : NULL;
}

int image_list_programs(const struct image *image,
			struct image_program programs[IMAGE_PROGRAMS_MAX], size_t *n,
			struct error *err)
{
	const char *names = NULL;
	Elf64_Shdr table = {};
	uint64_t names_len = 0;

	*n = 0;
	for (uint32_t i = 1; i < image->n_sections && table.sh_type != SHT_SYMTAB; i++)
		table = image_section(image, i);
	if (table.sh_type == SHT_SYMTAB)
		names = image_strings(image, table.sh_link, &names_len);
	if (!names || !image_has(image, table.sh_offset, table.sh_size))
		return error_set(err, -EINVAL, "the ELF object is damaged: it has no symbols");
	for (uint64_t i = 0; i < table.sh_size / sizeof(Elf64_Sym); i++) {
		const char *section;
		Elf64_Sym symbol;

		memcpy(&symbol, image->bytes + table.sh_offset + i * sizeof(symbol),
		       sizeof(symbol));
		section = program_section(image, &symbol);
		if (!section || symbol.st_name >= names_len)
			continue;
		if (*n == IMAGE_PROGRAMS_MAX)
			return error_set(err, -E2BIG,
					 "the object has more than %d programs, which is the limit",
					 IMAGE_PROGRAMS_MAX);
		programs[(*n)++] = (struct image_program){ names + symbol.st_name, section };
	}
	return 0;
}

/* Returns the name of a symbol if it is a function or a variable, otherwise NULL. */
static const char *symbol_name(const struct image *image, uint32_t symbols, uint64_t i)
{
	const char *names;
	uint64_t names_len;
	Elf64_Shdr table;
	Elf64_Sym symbol;

	if (symbols >= image->n_sections)
		return NULL;
	table = image_section(image, symbols);
	names = image_strings(image, table.sh_link, &names_len);
	if (!names || i >= table.sh_size / sizeof(symbol) ||
	    !image_has(image, table.sh_offset, table.sh_size))
		return NULL;
	memcpy(&symbol, image->bytes + table.sh_offset + i * sizeof(symbol), sizeof(symbol));
	return (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC ||
		ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT) &&
			       symbol.st_name < names_len
		       ? names + symbol.st_name
		       : NULL;
}

/* Returns true if the section has the relocations of the section .maps. */
static bool relocates_maps(const struct image *image, const Elf64_Shdr *section)
{
	Elf64_Shdr target;

	if (section->sh_type != SHT_REL || section->sh_info >= image->n_sections ||
	    !image_has(image, section->sh_offset, section->sh_size))
		return false;
	target = image_section(image, section->sh_info);
	return !strcmp(image_section_name(image, &target), ".maps");
}

const char *image_next_reference(const struct image *image, struct image_reference *at)
{
	for (; at->section < image->n_sections; at->section++, at->entry = 0) {
		const Elf64_Shdr section = image_section(image, at->section);

		if (!relocates_maps(image, &section))
			continue;
		while (at->entry < section.sh_size / sizeof(Elf64_Rel)) {
			const char *name;
			Elf64_Rel relocation;

			memcpy(&relocation,
			       image->bytes + section.sh_offset + at->entry++ * sizeof(relocation),
			       sizeof(relocation));
			name = symbol_name(image, section.sh_link, ELF64_R_SYM(relocation.r_info));
			if (name)
				return name;
		}
	}
	return NULL;
}

bool image_is_referenced(const struct image *image, const char *symbol)
{
	struct image_reference at = {};
	const char *name;

	while ((name = image_next_reference(image, &at)))
		if (!strcmp(name, symbol))
			return true;
	return false;
}
