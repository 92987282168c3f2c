/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "base/image.h"
#include "dataplane/bundle.h"
#include "fixture.h"

#include <elf.h>
#include <errno.h>
#include <json-c/json.h>

#define HEAD                                                                                       \
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"                                   \
	"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);"     \
	" __uint(max_entries, 1); } n SEC(\".maps\");\n"                                           \
	"char l[] SEC(\"license\") = \"GPL\";\n"
#define PROGRAM(section, name)                                                                     \
	"SEC(\"" section "\") int " name "(void *c)"                                               \
	"{ __u32 z = 0; __u64 *p = bpf_map_lookup_elem(&n, &z); if (p) *p += 1; return 0; }\n"

/* Objects shared by all tests. */
static struct text in, both, xdp;

static int compile_all(void **state)
{
	(void)state;
	if (!object_compile(HEAD PROGRAM("tc", "in"), &in))
		return 0; /* the tests are skipped */
	object_compile(HEAD PROGRAM("tc/ingress", "i") PROGRAM("tc/egress", "e"), &both);
	object_compile(HEAD PROGRAM("xdp", "x"), &xdp);
	return 0;
}

static int release_all(void **state)
{
	(void)state;
	text_release(&in);
	text_release(&both);
	text_release(&xdp);
	return 0;
}

#define skip_without_objects()                                                                     \
	do {                                                                                       \
		if (!in.len)                                                                       \
			skip();                                                                    \
	} while (0)

/* Packs a document with an object on each direction; NULL: no such direction. */
static int pack(const struct text *ingress, const struct text *egress, const char *more,
		struct text *out, struct error *err)
{
	const struct text *objects[N_DIRECTIONS] = { ingress, egress };
	const struct compiler compiler = { .program = "/nonexistent" };
	const struct compile_target target = { .log_level = "info", .cube_id = 7 };
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	_cleanup_text_ struct text json = {};
	struct document *document;
	int r;

	text_printf(&json, "{\"name\":\"kept\",\"unknown\":[1]");
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		if (!objects[direction])
			continue;
		text_printf(&json, ",\"%s-path\":{\"object-data\":\"", direction_name(direction));
		base64_encode(objects[direction]->data, objects[direction]->len, &json);
		text_printf(&json, "\"%s}", more);
	}
	text_addc(&json, '}');
	assert_int_equal(document_parse(json.data, json.len, NULL, true, &document, NULL), 0);
	assert_int_equal(dataplane_build(document, NULL, &compiler, &target, &dataplane, NULL), 0);
	r = bundle_pack(dataplane, &target, out, err);
	return r;
}

static void test_round_trip(void **state)
{
	static const struct {
		const char *name;
		const struct text *ingress, *egress;
		enum document_hook hook;
		const char *objects[N_DIRECTIONS];
	} rows[] = {
		{ "ingress", &in, NULL, DOCUMENT_HOOK_TC, { "." } },
		{ "egress alone is the first", NULL, &in, DOCUMENT_HOOK_ANY, { NULL, "." } },
		{ "one object", &both, &both, DOCUMENT_HOOK_TC, { ".", "." } },
		{ "two objects", &xdp, &in, DOCUMENT_HOOK_XDP, { ".", ".dynmon.egress" } },
	};

	(void)state;
	skip_without_objects();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct text *objects[N_DIRECTIONS] = { rows[i].ingress, rows[i].egress };
		_cleanup_document_ struct document *document = NULL;
		_cleanup_text_ struct text bundle = {};
		_cleanup_error_ struct error err = {};
		struct json_object *about;

		if (pack(objects[0], objects[1],
			 ",\"metric-configs\":[{\"name\":\"a\",\"map-name\":\"n\",\"later\":1}]",
			 &bundle, &err) < 0 ||
		    document_parse(bundle.data, bundle.len, NULL, true, &document, &err) < 0)
			fail_msg("%s: %s", rows[i].name, error_message(&err));
		assert_int_equal(document->hook, rows[i].hook);
		about = json_object_object_get(document->json, "bundle");
		assert_string_equal(
			json_object_get_string(json_object_object_get(about, "log-level")), "info");
		assert_int_equal(json_object_get_int(json_object_object_get(about, "cube-id")), 7);
		assert_true(json_object_object_get(document->json, "unknown"));
		assert_true(contains(text_str(&document->warnings), "unknown: unknown key"));
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
			const struct direction_config *config = document->directions[direction];
			struct json_object *json =
				json_object_object_get(document->json, direction_key(direction));

			assert_int_equal(!config, !objects[direction]);
			if (!config)
				continue;
			assert_null(json_object_object_get(json, "object-data"));
			assert_string_equal(
				json_object_get_string(json_object_object_get(json, "object")),
				rows[i].objects[direction]);
			assert_int_equal(config->n_metrics, 1);
			assert_int_equal(config->source.len, 0);
			assert_true(image_is_elf(config->object.data, config->object.len));
			if (!strcmp(rows[i].objects[direction], "."))
				assert_int_equal(config->object.len, bundle.len);
			else
				assert_memory_equal(config->object.data, objects[direction]->data,
						    objects[direction]->len);
		}
	}
}

/* libbpf opens a packed object, and the kernel loads it. */
static void test_loads(void **state)
{
	_cleanup_(object_unrefp) struct object *object = NULL;
	_cleanup_text_ struct text bundle = {};
	_cleanup_error_ struct error err = {};
	struct bpf_program *program;

	(void)state;
	skip_without_bpf();
	skip_without_objects();
	assert_int_equal(pack(&in, &both, "", &bundle, &err), 0);
	assert_int_equal(object_open(bundle.data, bundle.len, "bundle", &object, &err), 0);
	assert_int_equal(object_select(object, false, false, NULL, &program, &err), 0);
	assert_int_equal(object_load(object, false, &err), 0);
	assert_non_null(object_find_map(object, "n"));
}

static void test_no_bundle(void **state)
{
	const struct compile_target target = { .log_level = "off" };
	const struct compile_target for_xdp = { .log_level = "off", .xdp = true };
	const struct compiler compiler = { .program = "/nonexistent" };
	_cleanup_(dataplane_unrefp) struct dataplane *empty = NULL, *tc = NULL;
	_cleanup_text_ struct text bundle = {}, again = {};
	_cleanup_error_ struct error err = {};
	struct document *document;

	(void)state;
	skip_without_objects();
	assert_int_equal(pack(&in, NULL, "", &bundle, &err), 0);
	assert_int_equal(pack(&bundle, NULL, "", &again, &err), -EINVAL);
	assert_string_equal(error_message(&err), "ingress-path: the object has a section .dynmon: "
						 "it is a bundle already");
	assert_int_equal(document_parse("{}", 2, NULL, true, &document, NULL), 0);
	assert_int_equal(dataplane_build(document, NULL, &compiler, &target, &empty, NULL), 0);
	assert_int_equal(bundle_pack(empty, &target, &again, &err), -EINVAL);
	assert_string_equal(error_message(&err), "there is no code in the document");
	/* an object made for the other kind of hook */
	assert_int_equal(document_parse(bundle.data, bundle.len, NULL, true, &document, NULL), 0);
	assert_int_equal(dataplane_build(document, NULL, &compiler, &for_xdp, &tc, &err), -EINVAL);
	assert_string_equal(
		error_message(&err),
		"ingress-path: the bundle is compiled for tc, but the hook is xdp: use a "
		"hook of that kind, or compile the bundle with --hook=xdp");
	assert_int_equal(document_parse(in.data, in.len, NULL, true, &document, NULL), 0);
	assert_int_equal(dataplane_build(document, NULL, &compiler, &target, &tc, &err), 0);
	assert_int_equal(bundle_pack(tc, &for_xdp, &again, &err), -EINVAL);
	assert_true(contains(error_message(&err), "expected a program for xdp, found"));
}

/* Builds an object with the text in its section .dynmon. */
static void wrap(const char *json, size_t len, struct text *out)
{
	const struct bundle_section section = { BUNDLE_SECTION, json, len };

	assert_int_equal(bundle_add_sections(&in, &section, 1, out, NULL), 0);
}

static void test_wrong_documents(void **state)
{
	static const struct {
		const char *json;
		const char *message;
	} rows[] = {
		{ "",
		  "section .dynmon: JSON syntax: line 1, column 1: unexpected end of the text" },
		{ "{\"bundle\":", "section .dynmon: JSON syntax: line 1, column 11" },
		{ "7", "section .dynmon: the key \"bundle\" is missing" },
		{ "{}", "section .dynmon: the key \"bundle\" is missing" },
		{ "{\"bundle\":null}", "section .dynmon: the key \"bundle\" is missing" },
		{ "{\"bundle\":7}", "bundle: expected an object, found 7" },
		{ "{\"bundle\":{}}", "bundle: the key \"version\" is missing" },
		{ "{\"bundle\":{\"version\":2}}",
		  "bundle.version: expected 1, the only known version, found 2" },
		{ "{\"bundle\":{\"version\":\"1\"}}", "bundle.version: expected 1, " },
		{ "{\"bundle\":{\"version\":1,\"hook\":\"tcx\"}}",
		  "bundle.hook: expected tc or xdp, found \"tcx\"" },
		{ "{\"bundle\":{\"version\":1},\"ingress-path\":{\"name\":\"x\"}}",
		  "ingress-path: the key \"object\" is missing" },
		{ "{\"bundle\":{\"version\":1},\"ingress-path\":{\"object\":\"/etc/passwd\"}}",
		  "ingress-path.object: expected \".\" or \".dynmon.egress\", found" },
		{ "{\"bundle\":{\"version\":1},\"ingress-path\":{\"object\":\".dynmon.egress\"}}",
		  "ingress-path.object: no ELF object is in section .dynmon.egress" },
		{ "{\"bundle\":{\"version\":1},\"ingress-path\":{\"object\":\".\","
		  "\"metric-configs\":[7]}}",
		  "ingress-path.metric-configs[0]: expected an object, found 7" },
	};
	_cleanup_text_ struct text huge = {}, bundle = {};
	_cleanup_error_ struct error err = {};
	struct document *document = NULL;

	(void)state;
	skip_without_objects();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int code = strstr(rows[i].message, " is missing") ? -ENODATA : -EINVAL;

		text_clear(&bundle);
		wrap(rows[i].json, strlen(rows[i].json), &bundle);
		if (document_parse(bundle.data, bundle.len, NULL, true, &document, &err) != code)
			fail_msg("%s: %s", rows[i].json, error_message(&err));
		assert_true(contains(error_message(&err), rows[i].message));
	}
	while (huge.len <= DOCUMENT_MAX)
		text_addc(&huge, ' ');
	text_clear(&bundle);
	wrap(huge.data, huge.len, &bundle);
	assert_int_equal(document_parse(bundle.data, bundle.len, NULL, true, &document, &err),
			 -EFBIG);
	assert_string_equal(error_message(&err), "section .dynmon: 4194305 bytes, at most 4194304 "
						 "are possible");
	/* code is not allowed in a bundle: the key is ignored, and no file is read */
	text_clear(&bundle);
	text_clear(&huge);
	text_adds(&huge, "{\"bundle\":{\"version\":1},\"ingress-path\":{\"object\":\".\","
			 "\"code-file\":\"/etc/shadow\"}}");
	wrap(huge.data, huge.len, &bundle);
	assert_int_equal(document_parse(bundle.data, bundle.len, NULL, true, &document, &err), 0);
	assert_true(contains(text_str(&document->warnings), "code-file: unknown key, ignored"));
	document_free(document);
	/* "bundle" is ignored in a text document */
	text_clear(&huge);
	text_adds(&huge, "{\"bundle\":7,\"ingress-path\":{\"code\":\"x\"}}");
	assert_int_equal(document_parse(huge.data, huge.len, NULL, true, &document, &err), 0);
	assert_string_equal(text_str(&document->warnings), "bundle: unknown key, ignored\n");
	document_free(document);
}

/* Truncated and corrupted files: lengths and offsets in the file are never trusted. */
static void test_damaged(void **state)
{
	_cleanup_text_ struct text bundle = {};
	static const uint64_t lies[] = {
		0, 1, 0x7fffffff, 0xffffffff, UINT64_MAX, UINT64_MAX - 63
	};
	Elf64_Ehdr header;

	(void)state;
	skip_without_objects();
	assert_int_equal(pack(&in, &both, "", &bundle, NULL), 0);
	memcpy(&header, bundle.data, sizeof(header));
	for (size_t len = 4; len < bundle.len; len += len < 200 ? 1 : 97) {
		/* exact size, for the sanitizer */
		_cleanup_free_ char *cut = malloc(len);
		_cleanup_document_ struct document *document = NULL;
		_cleanup_error_ struct error err = {};

		memcpy(cut, bundle.data, len);
		if (document_parse(cut, len, NULL, true, &document, &err) != -EINVAL)
			fail_msg("%zu bytes: %s", len, error_message(&err));
	}
	for (size_t at = 0; at < sizeof(header) + header.e_shnum * sizeof(Elf64_Shdr); at += 2)
		for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
			_cleanup_free_ char *copy = malloc(bundle.len);
			_cleanup_document_ struct document *document = NULL;
			size_t place =
				at < sizeof(header) ? at : header.e_shoff + at - sizeof(header);

			memcpy(copy, bundle.data, bundle.len);
			memcpy(copy + place, &lies[i], place + 8 <= bundle.len ? 8 : 2);
			document_parse(copy, bundle.len, NULL, true, &document, NULL);
		}
}

static void test_foreign(void **state)
{
	_cleanup_text_ struct text self = {};
	_cleanup_error_ struct error err = {};
	struct document *document = NULL;

	(void)state;
	assert_int_equal(file_read(NULL, "/proc/self/exe", false, BUNDLE_MAX, &self, NULL), 0);
	assert_int_equal(document_parse(self.data, self.len, NULL, true, &document, &err), -EINVAL);
	assert_true(contains(error_message(&err), "expected an eBPF object of this byte order"));
	assert_int_equal(document_parse("\177ELF", 4, NULL, true, &document, &err), -EINVAL);
	assert_string_equal(error_message(&err), "the ELF object is cut off: 4 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),	cmocka_unit_test(test_loads),
		cmocka_unit_test(test_no_bundle),	cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_wrong_documents), cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, compile_all, release_all);
}
