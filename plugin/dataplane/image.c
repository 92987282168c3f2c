/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/image.h"
#include "base/file.h"

#include <elf.h>
#include <errno.h>
#include <libelf.h>
#include <string.h>
#include <sys/mman.h>

#ifndef EM_BPF
#define EM_BPF 247
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define DATA_HERE ELFDATA2LSB
#else
#define DATA_HERE ELFDATA2MSB
#endif

/* -- reading -- */

bool image_is_elf(const void *bytes, size_t len)
{
	return len >= SELFMAG && !memcmp(bytes, ELFMAG, SELFMAG);
}

static bool within(const struct image *image, uint64_t offset, uint64_t len)
{
	return offset <= image->len && len <= image->len - offset;
}

/* i is below n_sections. Copied: headers need not be aligned. */
static Elf64_Shdr section_at(const struct image *image, uint32_t i)
{
	Elf64_Shdr section;

	memcpy(&section, image->bytes + image->sections + (uint64_t)i * sizeof(section),
	       sizeof(section));
	return section;
}

/* A table of strings that ends with NUL, so that every offset in it is the start of a string. */
static const char *strings_at(const struct image *image, uint32_t i, uint64_t *len)
{
	Elf64_Shdr section;

	if (i >= image->n_sections)
		return NULL;
	section = section_at(image, i);
	if (section.sh_type != SHT_STRTAB || !section.sh_size ||
	    !within(image, section.sh_offset, section.sh_size) ||
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
	    !within(image, header.e_shoff, (uint64_t)header.e_shnum * sizeof(Elf64_Shdr)))
		return error_set(err, -EINVAL,
				 "the ELF object is damaged: %u section headers at %llu do not "
				 "lie within its %zu bytes",
				 header.e_shnum, (unsigned long long)header.e_shoff, len);
	image->sections = header.e_shoff;
	image->n_sections = header.e_shnum;
	image->names = strings_at(image, header.e_shstrndx, &image->names_len);
	if (!image->names)
		return error_set(err, -EINVAL,
				 "the ELF object is damaged: section %u has no names of sections",
				 header.e_shstrndx);
	return 0;
}

/* Never NULL: one without a name, or with one beyond the names, is called "". */
static const char *section_name(const struct image *image, const Elf64_Shdr *section)
{
	return section->sh_name < image->names_len ? image->names + section->sh_name : "";
}

int image_find_section(const struct image *image, const char *name, const char **ret, size_t *len,
		       struct error *err)
{
	for (uint32_t i = 1; i < image->n_sections; i++) {
		Elf64_Shdr section = section_at(image, i);

		if (strcmp(section_name(image, &section), name) != 0)
			continue;
		if (section.sh_type == SHT_NOBITS ||
		    !within(image, section.sh_offset, section.sh_size))
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

/* The section of a symbol that is a program; NULL: it is something else. */
static const char *program_section(const struct image *image, const Elf64_Sym *symbol)
{
	Elf64_Shdr section;
	const char *name;

	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx >= image->n_sections)
		return NULL;
	section = section_at(image, symbol->st_shndx);
	name = section_name(image, &section);
	/* What is in .text is called by programs and is none itself. */
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
		table = section_at(image, i);
	if (table.sh_type == SHT_SYMTAB)
		names = strings_at(image, table.sh_link, &names_len);
	if (!names || !within(image, table.sh_offset, table.sh_size))
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

/* -- writing -- */

DEFINE_CLEANUP(Elf *, elf_end);

static int elf_failed(const char *what, struct error *err)
{
	return error_set(err, -EINVAL, "%s: %s", what, elf_errmsg(-1));
}

/* Gives the sections' names to the table of names. names: where they are kept meanwhile. */
static int names_add(Elf *elf, const struct image_section *sections, size_t n, size_t *first,
		     struct text *names, struct error *err)
{
	Elf_Data *data;
	Elf_Scn *scn;
	size_t index;

	if (elf_getshdrstrndx(elf, &index) || !(scn = elf_getscn(elf, index)) ||
	    !(data = elf_getdata(scn, NULL)))
		return elf_failed("the names of the object's sections", err);
	text_add(names, data->d_buf, data->d_size);
	*first = names->len;
	for (size_t i = 0; i < n; i++)
		text_add(names, sections[i].name, strlen(sections[i].name) + 1);
	if (text_status(names) < 0)
		return error_oom(err);
	data->d_buf = names->data;
	data->d_size = names->len;
	elf_flagdata(data, ELF_C_SET, ELF_F_DIRTY);
	return 0;
}

static int section_add(Elf *elf, const struct image_section *section, size_t name,
		       struct error *err)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf64_Shdr *header = scn ? elf64_getshdr(scn) : NULL;
	Elf_Data *data = header ? elf_newdata(scn) : NULL;

	if (!data)
		return elf_failed(section->name, err);
	data->d_buf = (void *)section->bytes;
	data->d_size = section->len;
	data->d_type = ELF_T_BYTE;
	data->d_align = 8;
	header->sh_name = (Elf64_Word)name;
	header->sh_type = SHT_PROGBITS;
	return 0;
}

/* sections and names are libelf's until it has written them. */
static int write_sections(int fd, const struct image_section *sections, size_t n,
			  struct text *names, struct error *err)
{
	_cleanup_(elf_endp) Elf *elf = elf_begin(fd, ELF_C_RDWR, NULL);
	size_t name = 0;
	int r;

	if (!elf)
		return elf_failed("the object", err);
	r = names_add(elf, sections, n, &name, names, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = section_add(elf, &sections[i], name, err);
		name += strlen(sections[i].name) + 1;
	}
	if (r == 0 && elf_update(elf, ELF_C_WRITE) < 0)
		r = elf_failed("writing the object", err);
	return r;
}

int image_add_sections(const struct text *object, const struct image_section *sections, size_t n,
		       struct text *out, struct error *err)
{
	_cleanup_close_ int fd = memfd_create("dynmon-object", MFD_CLOEXEC);
	_cleanup_text_ struct text names = {};
	int r = fd < 0 ? -errno : file_write_fd(fd, object->data, object->len);

	if (r < 0)
		return error_set(err, r, "a file in memory: %s", strerror(-r));
	elf_version(EV_CURRENT);
	r = write_sections(fd, sections, n, &names, err);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set(err, -errno, "a file in memory: %s", strerror(errno));
	return file_read_fd(fd, "a file in memory", SIZE_MAX / 2, out, err);
}
