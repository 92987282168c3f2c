/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "base/image_check.h"
#include "dataplane/dataplane.h"
#include "fixture.h"

#include <errno.h>
#include <linux/btf.h>

#define SOURCE                                                                                     \
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include <bpf/bpf_core_read.h>\n"   \
	"char l[] SEC(\"license\") = \"GPL\";\n"                                                   \
	"int total;\n"                                                                             \
	"struct value { __u64 packets, bytes; };\n"                                                \
	"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct "     \
	"value);"                                                                                  \
	" __uint(max_entries, 1); } m SEC(\".maps\") DYNMON_METRIC(\"a\", \"counter\", \"A.\");\n" \
	"struct sk_buff { unsigned int len; } __attribute__((preserve_access_index));\n"           \
	"static __attribute__((noinline)) int more(struct sk_buff *skb)"                           \
	"{ return skb ? (int)(long)&skb->len : 0; }\n"                                             \
	"SEC(\"tc\") int f(struct __sk_buff *s) { __u32 z = 0; struct value *v ="                  \
	" bpf_map_lookup_elem(&m, &z); if (v) v->packets += 1; total += 1;"                        \
	" return more((void *)s) - more((void *)s); }\n"

/* Base of an edit's offset. */
enum place {
	FILE_START,
	HEADER,	 /* section header */
	SECTION, /* section contents */
	TYPE,	 /* first type of the kind `at` in .BTF */
	SYMBOL,	 /* symbol table entry */
};

static const struct edit {
	enum place place;
	const char *name; /* section or symbol */
	int kind;
	size_t offset;
	uint64_t value;
	size_t bytes; /* size of the value */
	const char *message;
} edits[] = {
	/* the file */
	{ FILE_START, "", 0, 5, ELFDATA2MSB, 1, "expected an eBPF object of this byte order" },
	{ FILE_START, "", 0, 18, 62, 2, "expected an eBPF object of this byte order" },
	{ FILE_START, "", 0, 40, 1ULL << 60, 8, "section headers at 1152921504606846976 do not" },
	{ FILE_START, "", 0, 60, 0xfff0, 2, "65520 section headers" },
	{ FILE_START, "", 0, 62, 0xffff, 2, "section 65535 has no names" },
	/* sections */
	{ HEADER, "tc", 0, 0, UINT32_MAX, 4, "a section name at 4294967295 lies outside" },
	{ HEADER, "license", 0, 24, 1ULL << 40, 8, "section license, 4 bytes at 1099511627776" },
	{ HEADER, "license", 0, 32, UINT64_MAX, 8, "section license, 18446744073709551615 bytes" },
	{ HEADER, ".maps", 0, 32, 1ULL << 32, 8, "section .maps, 4294967296 bytes" },
	{ HEADER, ".bss", 0, 32, 1ULL << 40, 8, "section .bss has 1099511627776 bytes, at most" },
	{ HEADER, ".symtab", 0, 56, 1, 8, "section .symtab, " },
	{ HEADER, ".symtab", 0, 32, 25, 8, "section .symtab, 25 bytes at " },
	{ HEADER, ".symtab", 0, 40, 1000, 4,
	  "section 1000, which the symbol table uses, is not a string table" },
	{ HEADER, ".symtab", 0, 4, SHT_PROGBITS, 4, "no symbol table" },
	{ HEADER, "license", 0, 4, SHT_SYMTAB, 4, "is not a table of 24-byte entries" },
	{ HEADER, ".reltc", 0, 40, 1, 4, "section .reltc refers to section " },
	{ HEADER, ".reltc", 0, 44, 1000, 4, "section .reltc refers to section 1000 and" },
	/* relocations */
	{ SECTION, ".reltc", 0, 0, 1ULL << 32, 8,
	  "section .reltc: relocation 0 refers to symbol " },
	{ SECTION, ".reltc", 0, 12, 60000, 4,
	  "section .reltc: relocation 0 refers to symbol 60000" },
	/* symbols */
	{ SYMBOL, "f", 0, 0, 1 << 30, 4, "the name of symbol " },
	{ SYMBOL, "f", 0, 6, 1000, 2, "symbol f is in section 1000, which does not exist" },
	{ SYMBOL, "f", 0, 8, 4, 8, "function f, " },
	{ SYMBOL, "f", 0, 8, UINT64_MAX - 7, 8, "function f, " },
	{ SYMBOL, "f", 0, 16, UINT64_MAX - 7, 8, "function f, 18446744073709551608 bytes at 0" },
	{ SYMBOL, "f", 0, 16, 0, 8, "function f, 0 bytes at 0, does not fit the " },
	{ SYMBOL, "f", 0, 16, 12, 8, "function f, 12 bytes at 0, does not fit the " },
	/* instructions */
	{ SECTION, "tc", 0, 0, 0, 1, "section tc: instruction 0 is half of a 16-byte instruction" },
	{ SECTION, "tc", 0, 0, 0x18, 1,
	  "section tc: instruction 0 is half of a 16-byte instruction" },
	{ HEADER, "tc", 0, 32, 12, 8, "section tc: the last instruction is cut off" },
	/* types, modified in a valid object */
	{ TYPE, "", BTF_KIND_DECL_TAG, 8, 9999, 4, "refers to type 9999, which does not exist" },
	{ TYPE, "", BTF_KIND_DECL_TAG, 8, 0, 4,
	  "(DECL_TAG) refers to type 0, which is not a variable" },
	{ TYPE, "", BTF_KIND_DECL_TAG, 12, 7, 4, "(DECL_TAG) refers to component 7 of type " },
	{ TYPE, "", BTF_KIND_DECL_TAG, 0, 1 << 30, 4, "a name at 1073741824 lies outside" },
	{ TYPE, "", BTF_KIND_VAR, 8, 9999, 4, "refers to type 9999, which does not exist" },
	{ TYPE, "", BTF_KIND_STRUCT, 16, 9999, 4, "refers to type 9999, which does not exist" },
	{ TYPE, "", BTF_KIND_STRUCT, 4, (uint32_t)BTF_KIND_STRUCT << 24 | 0xffff, 4,
	  "exceeds the types" },
	{ TYPE, "", BTF_KIND_ARRAY, 20, UINT32_MAX, 4, "has 4294967295 elements of " },
	{ TYPE, "", BTF_KIND_DATASEC, 12, 1, 4, "which is not a variable" },
	{ SECTION, ".BTF", 0, 0, 0x9feb, 2, "section .BTF: the byte order is not that of this" },
	{ SECTION, ".BTF", 0, 4, 16, 4, "section .BTF: a header of 16 bytes, expected 24 to " },
	{ SECTION, ".BTF", 0, 4, 1 << 20, 4, "section .BTF: a header of 1048576 bytes" },
	{ HEADER, ".BTF", 0, 32, 20, 8, "section .rel.BTF: relocation 0 refers to symbol " },
	{ SECTION, ".BTF.ext", 0, 12, 1 << 20, 4, "section .BTF.ext: the list of functions, " },
	{ SECTION, ".BTF.ext", 0, 48, 9999, 4, "section .BTF.ext: the list of functions refers " },
};

/* The valid object that is edited; empty without clang. */
static struct text good;

static int compile_good(void **state)
{
	_cleanup_text_ struct text source = {};

	(void)state;
	text_printf(&source, "#include \"%s/bpf/dynmon.h\"\n" SOURCE, source_dir());
	object_compile(text_str(&source), &good);
	return 0;
}

static int release_good(void **state)
{
	(void)state;
	text_release(&good);
	return 0;
}

static Elf64_Shdr section_of(const struct image *image, const char *name, size_t *header)
{
	for (uint32_t i = 1; i < image->n_sections; i++) {
		const Elf64_Shdr section = image_section(image, i);

		*header = image->sections + i * sizeof(section);
		if (!strcmp(image_section_name(image, &section), name))
			return section;
	}
	fail_msg("no section %s", name);
	return (Elf64_Shdr){};
}

static size_t type_of(const char *bytes, size_t at, int kind)
{
	static const uint8_t extra[] = { 0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4 };
	static const uint8_t each[] = { 0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0 };

	for (at += 24;;) {
		struct btf_type type;
		uint32_t is;

		memcpy(&type, bytes + at, sizeof(type));
		is = BTF_INFO_KIND(type.info);
		if ((int)is == kind)
			return at;
		assert_true(is && is < sizeof(extra));
		at += sizeof(type) + extra[is] + (size_t)each[is] * BTF_INFO_VLEN(type.info);
	}
}

static size_t symbol_of(const struct image *image, const char *name)
{
	size_t header;
	const Elf64_Shdr table = section_of(image, ".symtab", &header);
	uint64_t len;
	const char *names = image_strings(image, table.sh_link, &len);
	Elf64_Sym symbol;

	for (size_t at = table.sh_offset; at < table.sh_offset + table.sh_size;
	     at += sizeof(symbol)) {
		memcpy(&symbol, image->bytes + at, sizeof(symbol));
		if (!strcmp(names + symbol.st_name, name))
			return at;
	}
	fail_msg("no symbol %s", name);
	return 0;
}

/* Returns the edited object in memory of the exact size, for the sanitizer. */
static char *edited(const struct edit *edit)
{
	char *bytes = malloc(good.len);
	struct image image;
	size_t header, at = 0;

	memcpy(bytes, good.data, good.len);
	assert_int_equal(image_init(&image, bytes, good.len, NULL), 0);
	switch (edit->place) {
	case FILE_START:
		break;
	case HEADER:
		section_of(&image, edit->name, &at);
		break;
	case SECTION:
		at = section_of(&image, edit->name, &header).sh_offset;
		break;
	case TYPE:
		at = type_of(bytes, section_of(&image, ".BTF", &header).sh_offset, edit->kind);
		break;
	case SYMBOL:
		at = symbol_of(&image, edit->name);
		break;
	}
	memcpy(bytes + at + edit->offset, &edit->value, edit->bytes);
	return bytes;
}

/* The check, the sandbox and, without a sandbox, object_open() refuse the object. */
static void test_edits(void **state)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC") };

	(void)state;
	if (!good.len)
		skip();
	assert_int_equal(image_check(good.data, good.len, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		_cleanup_free_ char *bytes = edited(&edits[i]);
		const struct text elf = { .data = bytes, .len = good.len };
		_cleanup_document_ struct document *document = NULL;
		_cleanup_error_ struct error err = {};
		struct object *object = NULL;

		if (image_check(bytes, good.len, &err) >= 0 ||
		    !contains(error_message(&err), edits[i].message))
			fail_msg("%zu: %s", i, error_message(&err));
		assert_true(object_open(bytes, good.len, "x.o", &object, &err) < 0);
		assert_null(object);
		assert_true(contains(error_message(&err), "x.o: not a usable eBPF object: "));
		assert_true(contains(error_message(&err), edits[i].message));
		/* The result may vary, but parsing must not crash. */
		document_parse(bytes, good.len, NULL, true, &document, NULL);
		if (!compiler.program || access(compiler.program, X_OK) < 0)
			continue;
		assert_int_equal(compiler_try(&compiler, "x.o", &elf, &err), -EINVAL);
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer fails in the sandbox and complains */
		assert_true(contains(error_message(&err), edits[i].message));
#endif
	}
}

/* As object-data in a document, and as a self-describing object. */
static void test_documents(void **state)
{
	static const struct edit edit = { TYPE, "", BTF_KIND_DECL_TAG,	  8,
					  9999, 4,  "refers to type 9999" };
	const struct compiler compiler = { .program = "/nonexistent" };
	const struct compile_target target = { .log_level = "off" };
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	_cleanup_text_ struct text json = {};
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *bytes = NULL;
	struct document *document = NULL;

	(void)state;
	if (!good.len)
		skip();
	bytes = edited(&edit);
	assert_int_equal(document_parse(bytes, good.len, NULL, true, &document, &err), -EINVAL);
	assert_true(
		contains(error_message(&err), "the ELF object is damaged: section .BTF: type "));
	text_adds(&json, "{\"ingress-path\":{\"object-data\":\"");
	base64_encode(bytes, good.len, &json);
	text_adds(&json, "\"}}");
	assert_int_equal(document_parse(json.data, json.len, NULL, true, &document, &err), 0);
	assert_int_equal(dataplane_build(document, NULL, &compiler, &target, &dataplane, &err),
			 -EINVAL);
	assert_true(contains(error_message(&err), "ingress-path: ingress-path.object-data: not a "
						  "usable eBPF object: the ELF object is damaged"));
	assert_true(contains(error_message(&err), edit.message));
}

/* The object as built by a newer compiler: .BTF has 8 more bytes in its header. */
static void lengthen_header(const char fields[8], struct text *out)
{
	static const uint32_t hdr_len = 32;
	Elf64_Shdr section;
	struct image image;
	size_t header;

	assert_int_equal(image_init(&image, good.data, good.len, NULL), 0);
	section = section_of(&image, ".BTF", &header);
	text_add(out, good.data, good.len);
	while (out->len % 8)
		text_addc(out, 0);
	text_add(out, good.data + section.sh_offset, 24);
	text_add(out, fields, 8);
	text_add(out, good.data + section.sh_offset + 24, section.sh_size - 24);
	section.sh_offset = out->len - section.sh_size - 8;
	section.sh_size += 8;
	memcpy(out->data + header, &section, sizeof(section));
	memcpy(out->data + section.sh_offset + 4, &hdr_len, sizeof(hdr_len));
}

static void test_longer_header(void **state)
{
	static const char fields[][8] = { { 0 }, { 1, 2, 3, 4, 5, 6, 7, 8 } };

	(void)state;
	if (!good.len)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		_cleanup_(object_unrefp) struct object *object = NULL;
		_cleanup_document_ struct document *document = NULL;
		_cleanup_text_ struct text elf = {};
		_cleanup_error_ struct error err = {};

		lengthen_header(fields[i], &elf);
		if (document_parse(elf.data, elf.len, NULL, true, &document, &err) < 0 ||
		    object_open(elf.data, elf.len, "x", &object, &err) < 0)
			fail_msg("%s", error_message(&err));
		assert_int_equal(document->directions[INGRESS]->n_metrics, 1);
		assert_non_null(object_find_map(object, "m"));
		assert_true(object_find_map(object, "m")->value_type != 0);
	}
}

/* Two sections with one name: the checked section and the used one must be the same. */
static void test_twice(void **state)
{
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *bytes = NULL;
	struct image image;
	size_t ext, btf;
	uint32_t name;

	(void)state;
	if (!good.len)
		skip();
	bytes = malloc(good.len);
	memcpy(bytes, good.data, good.len);
	assert_int_equal(image_init(&image, bytes, good.len, NULL), 0);
	section_of(&image, ".BTF", &btf);
	section_of(&image, "license", &ext);
	memcpy(&name, bytes + btf, sizeof(name));
	memcpy(bytes + ext, &name, sizeof(name));
	assert_int_equal(image_check(bytes, good.len, &err), -EINVAL);
	assert_true(contains(error_message(&err), "2 sections are named .BTF"));
}

/* One above each limit; good.len is 0 without clang. */
static void test_limits(void **state)
{
	static const struct {
		size_t n;
		const char *first, *each; /* source text; the number follows if more is set */
		const char *more, *last;
		const char *message;
	} limits[] = {
		{ OBJECT_MAPS_MAX + 1,
		  "#define MAP(n) struct { int (*type)[2]; int *key, *value;"
		  " int (*max_entries)[1]; } m##n SEC(\".maps\")\n",
		  "MAP(", ");\n", "", "x: 1025 maps, at most 1024 are possible" },
		{ OBJECT_TAGS_MAX + 1, "int v", " __attribute__((btf_decl_tag(\"dynmon:", "\")))",
		  ";\n", "x: more than 4096 tags \"dynmon:...\", which is the limit" },
		{ IMAGE_FUNCTIONS_MAX, "", "SEC(\"tc\") int f", "(void *s) { return 0; }\n", "",
		  "more than 4096 functions, which is the limit" },
		{ IMAGE_NAME_MAX + 1, "int f", "x", NULL, "(void *s) { return 0; }\n",
		  "x...: the name has more than 1023 bytes" },
		{ IMAGE_NAME_MAX + 1, "SEC(\"tc", "x", NULL, "\") int g(void *s) { return 0; }\n",
		  "x...: the name has more than 1023 bytes" },
	};

	(void)state;
	if (!good.len)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		_cleanup_text_ struct text source = {}, elf = {};
		_cleanup_error_ struct error err = {};
		struct object *object = NULL;

		text_adds(&source, "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
				   "SEC(\"tc\") int f(void *s) { return 0; }\n");
		text_adds(&source, limits[i].first);
		for (size_t n = 0; n < limits[i].n; n++) {
			text_adds(&source, limits[i].each);
			if (limits[i].more)
				text_printf(&source, "%zu%s", n, limits[i].more);
		}
		text_adds(&source, limits[i].last);
		object_compile(text_str(&source), &elf);
		assert_int_equal(object_open(elf.data, elf.len, "x", &object, &err), -E2BIG);
		assert_true(contains(error_message(&err), limits[i].message));
	}
}

/* Every truncation. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t len = 0; len < good.len; len += len < 200 ? 1 : 97) {
		_cleanup_free_ char *cut = malloc(len + !len);
		_cleanup_error_ struct error err = {};

		memcpy(cut, good.data, len);
		if (image_check(cut, len, &err) != -EINVAL)
			fail_msg("%zu bytes: %s", len, error_message(&err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits),	      cmocka_unit_test(test_documents),
		cmocka_unit_test(test_longer_header), cmocka_unit_test(test_twice),
		cmocka_unit_test(test_limits),	      cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, compile_good, release_good);
}
