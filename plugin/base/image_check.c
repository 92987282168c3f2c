/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/image_check.h"
#include "base/btf_check.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#define INSN_SIZE sizeof(struct bpf_insn)

struct checker {
	struct image image;
	uint32_t symbols; /* index of the symbol table's section; 0: not found */
	uint64_t n_symbols;
	uint32_t n_functions;
	struct error *err;
};

static bool is_code(const Elf64_Shdr *section)
{
	return section->sh_type == SHT_PROGBITS && section->sh_flags & SHF_EXECINSTR;
}

static struct bpf_insn insn_at(const char *at)
{
	struct bpf_insn insn;

	memcpy(&insn, at, sizeof(insn));
	return insn;
}

static int section_check(const struct checker *checker, const Elf64_Shdr *section)
{
	const char *name = image_section_name(&checker->image, section);

	if (section->sh_name >= checker->image.names_len)
		return error_set(checker->err, -EINVAL,
				 "a section name at %u lies outside the name table",
				 section->sh_name);
	if (strnlen(name, IMAGE_NAME_MAX + 1) > IMAGE_NAME_MAX)
		return error_set(checker->err, -E2BIG,
				 "section %.80s...: the name has more than %d bytes", name,
				 IMAGE_NAME_MAX);
	if (section->sh_type == SHT_NOBITS) {
		if (section->sh_size > IMAGE_VARIABLES_MAX)
			return error_set(checker->err, -E2BIG,
					 "section %.80s has %llu bytes, at most %d are possible",
					 name, (unsigned long long)section->sh_size,
					 IMAGE_VARIABLES_MAX);
		return 0;
	}
	if (section->sh_type != SHT_NULL &&
	    !image_has(&checker->image, section->sh_offset, section->sh_size))
		return error_set(
			checker->err, -EINVAL,
			"section %.80s, %llu bytes at %llu, exceeds the object's %zu bytes", name,
			(unsigned long long)section->sh_size,
			(unsigned long long)section->sh_offset, checker->image.len);
	return 0;
}

/* Checks that entries have the expected size, the last one is complete, and all are aligned. */
static int table_check(const struct checker *checker, const Elf64_Shdr *section, size_t entry)
{
	if (section->sh_entsize == entry && section->sh_size % entry == 0 &&
	    section->sh_offset % 8 == 0)
		return 0;
	return error_set(checker->err, -EINVAL,
			 "section %.80s, %llu bytes at %llu, is not a table of %zu-byte entries",
			 image_section_name(&checker->image, section),
			 (unsigned long long)section->sh_size,
			 (unsigned long long)section->sh_offset, entry);
}

/*
 * Checks that every 16-byte instruction is complete: its second half has opcode 0, and no other
 * instruction has. libbpf writes map addresses into both halves and would write out of bounds.
 */
static int code_check(const struct checker *checker, const Elf64_Shdr *section)
{
	const char *at = checker->image.bytes + section->sh_offset;
	bool second = false;

	for (uint64_t i = 0; i < section->sh_size / INSN_SIZE; i++, at += INSN_SIZE) {
		struct bpf_insn insn = insn_at(at);

		if (second != !insn.code)
			return error_set(
				checker->err, -EINVAL,
				"section %.80s: instruction %llu is half of a 16-byte instruction",
				image_section_name(&checker->image, section),
				(unsigned long long)i - second);
		second = insn.code == (BPF_LD | BPF_IMM | BPF_DW);
	}
	if (second || section->sh_size % INSN_SIZE)
		return error_set(checker->err, -EINVAL,
				 "section %.80s: the last instruction is cut off",
				 image_section_name(&checker->image, section));
	return 0;
}

/* Checks that a function starts and ends at instruction boundaries. */
static int function_check(struct checker *checker, const Elf64_Sym *symbol, const char *name)
{
	Elf64_Shdr section = image_section(&checker->image, symbol->st_shndx);
	uint64_t end = symbol->st_value + symbol->st_size;
	const char *code = checker->image.bytes + section.sh_offset;

	if (!is_code(&section))
		return 0;
	if (++checker->n_functions > IMAGE_FUNCTIONS_MAX)
		return error_set(checker->err, -E2BIG, "more than %d functions, which is the limit",
				 IMAGE_FUNCTIONS_MAX);
	if (strnlen(name, IMAGE_NAME_MAX + 1) > IMAGE_NAME_MAX)
		return error_set(checker->err, -E2BIG,
				 "function %.80s...: the name has more than %d bytes", name,
				 IMAGE_NAME_MAX);
	if (end >= symbol->st_value && end <= section.sh_size && symbol->st_size &&
	    symbol->st_value % INSN_SIZE == 0 && symbol->st_size % INSN_SIZE == 0 &&
	    insn_at(code + symbol->st_value).code &&
	    (end == section.sh_size || insn_at(code + end).code))
		return 0;
	return error_set(checker->err, -EINVAL,
			 "function %.80s, %llu bytes at %llu, does not fit the %llu bytes of "
			 "section %.80s",
			 name, (unsigned long long)symbol->st_size,
			 (unsigned long long)symbol->st_value, (unsigned long long)section.sh_size,
			 image_section_name(&checker->image, &section));
}

static int symbols_check(struct checker *checker)
{
	const Elf64_Shdr table = image_section(&checker->image, checker->symbols);
	uint64_t names_len = 0;
	const char *names = image_strings(&checker->image, table.sh_link, &names_len);

	if (!names)
		return error_set(checker->err, -EINVAL,
				 "section %u, which the symbol table uses, is not a string table",
				 table.sh_link);
	for (uint64_t i = 0; i < checker->n_symbols; i++) {
		Elf64_Sym symbol;
		int r = 0;

		memcpy(&symbol, checker->image.bytes + table.sh_offset + i * sizeof(symbol),
		       sizeof(symbol));
		if (symbol.st_name >= names_len)
			return error_set(
				checker->err, -EINVAL,
				"the name of symbol %llu, at %u, lies outside the name table",
				(unsigned long long)i, symbol.st_name);
		if (symbol.st_shndx >= checker->image.n_sections && symbol.st_shndx < SHN_LORESERVE)
			return error_set(checker->err, -EINVAL,
					 "symbol %.80s is in section %u, which does not exist",
					 names + symbol.st_name, symbol.st_shndx);
		if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx &&
		    symbol.st_shndx < SHN_LORESERVE)
			r = function_check(checker, &symbol, names + symbol.st_name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int relocations_check(const struct checker *checker, const Elf64_Shdr *section)
{
	const char *name = image_section_name(&checker->image, section);
	Elf64_Shdr target;

	if (section->sh_info >= checker->image.n_sections || section->sh_link != checker->symbols)
		return error_set(checker->err, -EINVAL,
				 "section %.80s refers to section %u and symbols in section %u, "
				 "which do not exist",
				 name, section->sh_info, section->sh_link);
	target = image_section(&checker->image, section->sh_info);
	for (uint64_t i = 0; i < section->sh_size / sizeof(Elf64_Rel); i++) {
		Elf64_Rel relocation;

		memcpy(&relocation,
		       checker->image.bytes + section->sh_offset + i * sizeof(relocation),
		       sizeof(relocation));
		if (ELF64_R_SYM(relocation.r_info) >= checker->n_symbols ||
		    relocation.r_offset >= target.sh_size)
			return error_set(checker->err, -EINVAL,
					 "section %.80s: relocation %llu refers to symbol %llu and "
					 "offset %llu, beyond the %llu symbols or %llu bytes",
					 name, (unsigned long long)i,
					 (unsigned long long)ELF64_R_SYM(relocation.r_info),
					 (unsigned long long)relocation.r_offset,
					 (unsigned long long)checker->n_symbols,
					 (unsigned long long)target.sh_size);
	}
	return 0;
}

static int contents_check(struct checker *checker, uint32_t i)
{
	const Elf64_Shdr section = image_section(&checker->image, i);
	int r = 0;

	if (section.sh_type == SHT_SYMTAB)
		return symbols_check(checker);
	if (section.sh_type == SHT_REL) {
		r = table_check(checker, &section, sizeof(Elf64_Rel));
		return r < 0 ? r : relocations_check(checker, &section);
	}
	return 0;
}

/* Finds the symbol table, of which there must be exactly one. */
static int symbols_find(struct checker *checker)
{
	for (uint32_t i = 1; i < checker->image.n_sections; i++) {
		const Elf64_Shdr section = image_section(&checker->image, i);
		int r;

		if (section.sh_type != SHT_SYMTAB)
			continue;
		if (checker->symbols)
			return error_set(checker->err, -EINVAL,
					 "two symbol tables, at most one is possible");
		r = table_check(checker, &section, sizeof(Elf64_Sym));
		if (r < 0)
			return r;
		checker->symbols = i;
		checker->n_symbols = section.sh_size / sizeof(Elf64_Sym);
	}
	if (!checker->symbols)
		return error_set(checker->err, -EINVAL, "no symbol table");
	if (checker->n_symbols > IMAGE_SYMBOLS_MAX)
		return error_set(checker->err, -E2BIG, "%llu symbols, at most %d are possible",
				 (unsigned long long)checker->n_symbols, IMAGE_SYMBOLS_MAX);
	return 0;
}

/*
 * Finds a section by name. Rejects two sections with the same name, because libbpf and
 * image_find_section() could choose different ones. Returns as image_find_section().
 */
static int section_find(const struct checker *checker, const char *name, const char **bytes,
			size_t *len)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < checker->image.n_sections; i++) {
		const Elf64_Shdr section = image_section(&checker->image, i);

		n += !strcmp(image_section_name(&checker->image, &section), name);
	}
	if (n > 1)
		return error_set(checker->err, -EINVAL, "%u sections are named %s", n, name);
	return image_find_section(&checker->image, name, bytes, len, checker->err);
}

static int image_check_types_check(const struct checker *checker)
{
	const char *btf = NULL, *ext = NULL;
	size_t btf_len = 0, ext_len = 0;
	struct btf_extent extent = {};
	int r = section_find(checker, ".BTF", &btf, &btf_len);

	if (r <= 0)
		return r;
	r = btf_check(btf, btf_len, &extent, checker->err);
	if (r < 0)
		return error_prefix(checker->err, r, "section .BTF");
	r = section_find(checker, ".BTF.ext", &ext, &ext_len);
	if (r <= 0)
		return r;
	r = btf_ext_check(ext, ext_len, &extent, checker->err);
	return r < 0 ? error_prefix(checker->err, r, "section .BTF.ext") : 0;
}

static int sections_check(struct checker *checker)
{
	const struct image *image = &checker->image;
	int r = 0;

	if (image->n_sections > IMAGE_SECTIONS_MAX || image->sections % 8)
		return error_set(
			checker->err, -E2BIG,
			"%u section headers at %llu: expected at most %d, at a multiple of 8",
			image->n_sections, (unsigned long long)image->sections, IMAGE_SECTIONS_MAX);
	for (uint32_t i = 1; r == 0 && i < image->n_sections; i++) {
		const Elf64_Shdr section = image_section(image, i);

		r = section_check(checker, &section);
		if (r == 0 && is_code(&section))
			r = code_check(checker, &section);
	}
	if (r == 0)
		r = symbols_find(checker);
	for (uint32_t i = 1; r == 0 && i < image->n_sections; i++)
		r = contents_check(checker, i);
	return r < 0 ? r : image_check_types_check(checker);
}

int image_check(const void *bytes, size_t len, struct error *err)
{
	struct checker checker = { .err = err };
	int r = image_init(&checker.image, bytes, len, err);

	if (r < 0)
		return r;
	r = sections_check(&checker);
	return r < 0 ? error_prefix(err, r, "the ELF object is damaged") : 0;
}
