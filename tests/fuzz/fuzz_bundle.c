/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF files used as documents: bundles and self-describing objects. Built and run by tests/run
 * fuzz; objects of the examples are a good corpus.
 *
 * Input that is not an ELF file becomes the contents of two sections of a valid one, so that the
 * fuzzer gets past the headers: the first two bytes are the length of the first section, .dynmon;
 * the rest is .BTF.
 */
#include "base/image.h"
#include "dataplane/document.h"

#include <bpf/libbpf.h>
#include <elf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* An object with a program and two sections with the fuzzer's bytes. */
static void wrap(const uint8_t *data, size_t size, struct text *out)
{
	static const char names[] = "\0.strtab\0tc\0.symtab\0.BTF\0.dynmon\0f";
	enum { STRTAB = 1, TC, SYMTAB, BTF, DYNMON, COUNT };
	size_t len = size < 2 ? 0 : data[0] | (size_t)data[1] << 8;
	const Elf64_Sym symbols[2] = { {}, { 35, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, TC } };
	Elf64_Shdr sections[COUNT] = {
		[STRTAB] = { .sh_name = 1, .sh_type = SHT_STRTAB, .sh_size = sizeof(names) },
		[TC] = { .sh_name = 9, .sh_type = SHT_PROGBITS, .sh_flags = SHF_EXECINSTR },
		[SYMTAB] = { .sh_name = 12,
			     .sh_type = SHT_SYMTAB,
			     .sh_size = sizeof(symbols),
			     .sh_link = STRTAB },
		[BTF] = { .sh_name = 20, .sh_type = SHT_PROGBITS },
		[DYNMON] = { .sh_name = 25, .sh_type = SHT_PROGBITS },
	};
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
		.e_type = ET_REL,
		.e_machine = 247,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = COUNT,
		.e_shstrndx = STRTAB,
	};

	size = size < 2 ? 0 : size - 2;
	data += 2;
	len = len < size ? len : size;
	if (!len) /* no document: the object describes itself */
		header.e_shnum = DYNMON;
	header.e_shoff = sizeof(header);
	sections[STRTAB].sh_offset = header.e_shoff + sizeof(sections);
	sections[SYMTAB].sh_offset = sections[STRTAB].sh_offset + sizeof(names);
	sections[DYNMON].sh_offset = sections[SYMTAB].sh_offset + sizeof(symbols);
	sections[DYNMON].sh_size = len;
	sections[BTF].sh_offset = sections[DYNMON].sh_offset + len;
	sections[BTF].sh_size = size - len;
	text_add(out, &header, sizeof(header));
	text_add(out, sections, sizeof(sections));
	text_add(out, names, sizeof(names));
	text_add(out, symbols, sizeof(symbols));
	text_add(out, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_text_ struct text wrapped = {};
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *exact = NULL;
	int r;

	libbpf_set_print(silent);
	if (image_is_elf(data, size))
		text_add(&wrapped, data, size);
	else
		wrap(data, size, &wrapped);
	exact = malloc(wrapped.len); /* exact size, so that the sanitizer detects overruns */
	memcpy(exact, wrapped.data, wrapped.len);
	r = document_parse(exact, wrapped.len, "/proc/self/fdinfo", true, &document, &err);
	if ((r < 0) != !document || r > 0 || (r < 0 && !err.message))
		abort();
	for (enum direction direction = 0; document && direction < N_DIRECTIONS; direction++) {
		const struct direction_config *config = document->directions[direction];

		if (config && (config->source.len || !config->origin ||
			       !image_is_elf(config->object.data, config->object.len)))
			abort();
	}
	return 0;
}
