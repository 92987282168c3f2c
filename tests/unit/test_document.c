/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/document.h"
#include "fixture.h"

#include <errno.h>
#include <json-c/json.h>
#include <sys/stat.h>

/* A document with one metric, parts of which are replaced. */
#define CODE	       "\"code\":\"int x;\""
#define PATH(inner)    "{\"ingress-path\":{" inner "}}"
#define METRICS(list)  PATH(CODE ",\"metric-configs\":" list)
#define METRIC(inner)  METRICS("[{" inner "}]")
#define NAMES	       "\"name\":\"a\",\"map-name\":\"M\""
#define META(inner)    METRIC(NAMES ",\"open-metrics-metadata\":{" inner "}")
#define OPTIONS(inner) METRIC(NAMES ",\"extraction-options\":{" inner "}")
#define LABELS(list)   META("\"type\":\"gauge\",\"labels\":" list)
#define AT	       "ingress-path.metric-configs[0]"
#define ONE_CODE       "expected only one of code, code-file, object, object-data"

static int parse(const char *json, const char *dir, struct document **document, struct error *err)
{
	return document_parse(json, strlen(json), dir, true, document, err);
}

static const struct {
	const char *json;
	int code;
	const char *message;
} errors[] = {
	/* a wrong type of value in every place */
	{ "[]", -EINVAL, "the document: expected an object, found []" },
	{ "null", -EINVAL, "the document: expected an object, found null" },
	{ "\"x\"", -EINVAL, "the document: expected an object, found \"x\"" },
	{ "{\"ingress-path\":7}", -EINVAL, "ingress-path: expected an object, found 7" },
	{ "{\"egress-path\":[]}", -EINVAL, "egress-path: expected an object, found []" },
	{ PATH("\"code\":7"), -EINVAL, "ingress-path.code: expected a string, found 7" },
	{ PATH("\"code\":\"\""), -EINVAL, "ingress-path.code: expected C source, found \"\"" },
	{ PATH(CODE ",\"name\":{}"), -EINVAL, "ingress-path.name: expected a string, found {}" },
	{ PATH(CODE ",\"program\":\"\""), -EINVAL,
	  "ingress-path.program: expected a name, found \"\"" },
	{ METRICS("{}"), -EINVAL, "ingress-path.metric-configs: expected a list, found {}" },
	{ METRICS("[7]"), -EINVAL, AT ": expected an object, found 7" },
	{ METRICS("[null]"), -EINVAL, AT ": expected an object, found null" },
	{ METRIC("\"name\":7"), -EINVAL, AT ".name: expected a string, found 7" },
	{ METRIC("\"name\":\"\",\"map-name\":\"M\""), -EINVAL,
	  AT ".name: expected a name, found \"\"" },
	{ METRIC("\"name\":\"a\",\"map-name\":\"\""), -EINVAL,
	  AT ".map-name: expected a name, found \"\"" },
	{ METRICS("[{" NAMES "},{\"name\":\"b\",\"map-name\":7}]"), -EINVAL,
	  "ingress-path.metric-configs[1].map-name: expected a string, found 7" },
	{ "{\"egress-path\":{" CODE ",\"metric-configs\":[{" NAMES "},{" NAMES ",\"name\":true}]}}",
	  -EINVAL, "egress-path.metric-configs[1].name: expected a string, found true" },
	{ OPTIONS("\"empty-on-read\":1"), -EINVAL,
	  AT ".extraction-options.empty-on-read: expected true or false, found 1" },
	{ OPTIONS("\"swap-on-read\":\"true\""), -EINVAL,
	  AT ".extraction-options.swap-on-read: expected true or false, found \"true\"" },
	{ METRIC(NAMES ",\"extraction-options\":[]"), -EINVAL,
	  AT ".extraction-options: expected an object, found []" },
	{ METRIC(NAMES ",\"open-metrics-metadata\":\"x\""), -EINVAL,
	  AT ".open-metrics-metadata: expected an object, found \"x\"" },
	{ META("\"type\":\"rate\""), -EINVAL,
	  AT ".open-metrics-metadata.type: expected counter, gauge, histogram, summary or untyped, "
	     "found \"rate\"" },
	{ META("\"type\":1"), -EINVAL,
	  AT ".open-metrics-metadata.type: expected counter, gauge, histogram, summary or untyped, "
	     "found 1" },
	{ META("\"type\":\"gauge\",\"help\":1.50"), -EINVAL,
	  AT ".open-metrics-metadata.help: expected a string, found 1.50" },
	{ LABELS("{}"), -EINVAL, AT ".open-metrics-metadata.labels: expected a list, found {}" },
	{ LABELS("[{\"name\":\"a\",\"value\":7}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[0].value: expected a string, found 7" },
	{ LABELS("[{\"name\":\"a\",\"value\":\"\"},{\"name\":\"1a\",\"value\":\"\"}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[1].name: expected a label name "
	     "([a-zA-Z_][a-zA-Z0-9_]*, not starting with __), found \"1a\"" },
	{ LABELS("[{\"name\":\"__a\",\"value\":\"\"}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[0].name: expected a label name "
	     "([a-zA-Z_][a-zA-Z0-9_]*, not starting with __), found \"__a\"" },
	{ LABELS("[{\"name\":\"a-b\",\"value\":\"\"}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[0].name: expected a label name "
	     "([a-zA-Z_][a-zA-Z0-9_]*, not starting with __), found \"a-b\"" },
	{ LABELS("[{\"name\":\"\",\"value\":\"\"}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[0].name: expected a label name "
	     "([a-zA-Z_][a-zA-Z0-9_]*, not starting with __), found \"\"" },

	{ LABELS("[{\"name\":\"a\",\"field\":\"key\",\"regexp\":[]}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[0].regexp: expected a regular expression or a list of "
	     "them, found []" },
	{ LABELS("[{\"name\":\"a\",\"field\":\"key\",\"regexp\":[\"b\",7]}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[0].regexp[1]: expected a string, found 7" },
	{ LABELS("[{\"name\":\"a\",\"field\":\"key\",\"regexp\":\"\\\\{b{2}\"}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[0].regexp: expected a regular expression without {} "
	     "and \\1, found \"\\\\{b{2}\"" },
	{ LABELS("[{\"name\":\"a\",\"value\":\"b\",\"regexp\":\"b\"}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[0]: a constant has no \"format\", \"values\" and "
	     "\"regexp\"" },

	/* missing keys; null counts as missing */
	{ PATH("\"name\":\"x\""), -ENODATA,
	  "ingress-path: the code is missing: expected one of code, code-file, object, "
	  "object-data" },
	{ PATH("\"code\":null"), -ENODATA,
	  "ingress-path: the code is missing: expected one of code, code-file, object, "
	  "object-data" },
	{ METRIC("\"name\":\"a\""), -ENODATA, AT ": the key \"map-name\" is missing" },
	{ METRIC("\"name\":null,\"map-name\":\"M\""), -ENODATA,
	  AT ": the key \"name\" is missing" },
	{ META("\"help\":\"x\""), -ENODATA,
	  AT ".open-metrics-metadata: the key \"type\" is missing" },
	{ LABELS("[{\"name\":\"a\"}]"), -EINVAL,
	  AT
	  ".open-metrics-metadata.labels[0]: expected either \"value\", a constant, or \"field\"" },

	/* keys that are not known hide the code */
	{ "{\"ingress_direction\":{}}", -ENODATA,
	  "the document has no code: expected the keys \"ingress-path\" or \"egress-path\", found "
	  "\"ingress_direction\"" },
	{ "{\"ingress-path\":{},\"name\":\"x\",\"ingres-path\":{" CODE "},\"x\":1}", -ENODATA,
	  "the document has no code: expected the keys \"ingress-path\" or \"egress-path\", found "
	  "\"ingres-path\", \"x\"" },
	{ "{" CODE ",\"metric-configs\":[{" NAMES "}]}", -ENODATA,
	  "the document has no code: expected the keys \"ingress-path\" or \"egress-path\", found "
	  "\"code\", \"metric-configs\"" },
	/* documents of Dynmon 1.0 */
	{ "{" CODE ",\"metrics\":[{\"name\":\"a\"}]}", -ENODATA,
	  AT ": the key \"map-name\" is missing" },
	{ "{\"code\":7}", -EINVAL, "ingress-path.code: expected a string, found 7" },

	/* names that must be unique */
	{ METRICS("[{" NAMES "},{\"name\":\"b\",\"map-name\":\"M\"},{" NAMES "}]"), -EINVAL,
	  "ingress-path.metric-configs[2].name: \"a\" is already the name of [0]" },
	{ LABELS("[{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"a\",\"value\":\"2\"}]"), -EINVAL,
	  AT ".open-metrics-metadata.labels[1].name: \"a\" is already the name of [0]" },

	/* exactly one kind of code, in any order */
	{ PATH(CODE ",\"code-file\":\"f.c\""), -EINVAL, "ingress-path: " ONE_CODE },
	{ PATH("\"code-file\":\"f.c\"," CODE), -EINVAL, "ingress-path: " ONE_CODE },
	{ PATH(CODE ",\"object\":\"f.c\""), -EINVAL, "ingress-path: " ONE_CODE },
	{ PATH("\"object\":\"f.c\",\"object-data\":\"QUJD\""), -EINVAL, "ingress-path: " ONE_CODE },
	{ PATH("\"object-data\":\"QUJD\"," CODE), -EINVAL, "ingress-path: " ONE_CODE },

	/* strings must not contain NUL */
	{ PATH("\"code\":\"a\\u0000b\""), -EINVAL,
	  "ingress-path.code: expected a string without NUL, found \"a\\u0000b\"" },
	{ METRIC("\"name\":\"a\\u0000\",\"map-name\":\"M\""), -EINVAL,
	  AT ".name: expected a string without NUL, found \"a\\u0000\"" },

	/* numbers out of range are quoted unchanged in the message */
	{ PATH("\"code\":1e999"), -EINVAL, "ingress-path.code: expected a string, found 1e999" },
	{ PATH("\"code\":18446744073709551615"), -EINVAL,
	  "ingress-path.code: expected a string, found 18446744073709551615" },
	{ PATH("\"code\":-9223372036854775808"), -EINVAL,
	  "ingress-path.code: expected a string, found -9223372036854775808" },

	/* a long wrong value is truncated in the message */
	{ PATH("\"program\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"),
	  -EINVAL,
	  "ingress-path.program: expected a string, found "
	  "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0..." },

	/* files */
	{ PATH("\"code-file\":\"none.c\""), -ENOENT, "/none.c: No such file or directory" },
	{ PATH("\"code-file\":\"empty.c\""), -EINVAL,
	  "ingress-path.code-file: the file \"empty.c\" is empty" },
	{ PATH("\"code-file\":\"../x\""), -EACCES,
	  "ingress-path.code-file: ../x: not below the directory " },
	{ PATH("\"object\":\"/etc/passwd\""), -EACCES,
	  "ingress-path.object: /etc/passwd: not below the directory " },
	{ PATH("\"code-file\":\"\""), -EINVAL,
	  "ingress-path.code-file: expected a name, found \"\"" },
	{ PATH("\"object\":\"folder\""), -EINVAL,
	  "ingress-path.object: folder: not a regular file" },
	{ PATH("\"code-file\":\"big.c\""), -EFBIG,
	  "ingress-path.code-file: big.c: larger than the limit of 1048576 bytes" },
	{ PATH("\"object-data\":\"QU?D\""), -EINVAL,
	  "ingress-path.object-data: expected an ELF object in base64, found \"QU?D\"" },
	{ PATH("\"object-data\":\"\""), -EINVAL,
	  "ingress-path.object-data: expected an ELF object in base64, found \"\"" },
	{ PATH("\"object-data\":7"), -EINVAL,
	  "ingress-path.object-data: expected an ELF object in base64, found 7" },

	/* syntax */
	{ "", -EINVAL, "JSON syntax: line 1, column 1: unexpected end of the text" },
	{ "{", -EINVAL, "JSON syntax: line 1, column 2: unexpected end of the text" },
	{ "{\n \"ingress-path\": {\n", -EINVAL,
	  "JSON syntax: line 3, column 1: unexpected end of the text" },
	{ "{}x", -EINVAL, "JSON syntax: line 1, column 3: text after the end of the document" },
	{ "{}\n \n{}", -EINVAL,
	  "JSON syntax: line 3, column 1: text after the end of the document" },
	{ "{\n\"a\": nul}", -EINVAL, "JSON syntax: line 2, column " },
	{ "{\"a\": 'b'}", -EINVAL, "JSON syntax: line 1, column 7: " },
	{ "{\"a\": 1,}", -EINVAL, "JSON syntax: line 1, column 9: " },
	{ "{\"a\": \"\xff\"}", -EINVAL, "JSON syntax: line 1, column 8: " },
	/* json-c accepts these, but the exposition would not be valid UTF-8: overlong, surrogate */
	{ META("\"type\":\"gauge\",\"help\":\"\xc0\xaf\""), -EINVAL, " " },
	{ META("\"type\":\"gauge\",\"help\":\"\xed\xa0\x80\""), -EINVAL, " " },
	{ LABELS("[{\"name\":\"a\",\"value\":\"\xf5\x80\x80\x80\"}]"), -EINVAL, " " },
	/* a number at the end, which might continue */
	{ "7", -EINVAL, "the document: expected an object, found 7" },
};

static char *files;

static int make_files(void **state)
{
	_cleanup_free_ char *folder = NULL;
	_cleanup_free_ char *big = malloc(CODE_MAX + 1);

	(void)state;
	files = folder_make();
	assert_true(asprintf(&folder, "%s/folder", files) > 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	memset(big, ' ', CODE_MAX + 1);
	file_make(files, "f.c", "int f;", 6, 0600);
	file_make(files, "empty.c", "", 0, 0600);
	file_make(files, "big.c", big, CODE_MAX + 1, 0600);
	file_make(files, "full.c", big, CODE_MAX, 0600);
	file_make(files, "folder/near.c", "int n;", 6, 0600);
	file_make(files, "folder/doc.json", PATH("\"code-file\":\"near.c\""),
		  strlen(PATH("\"code-file\":\"near.c\"")), 0600);
	file_make(files, "top.json", PATH("\"code-file\":\"f.c\""),
		  strlen(PATH("\"code-file\":\"f.c\"")), 0600);
	file_make(files, "wrong.json", "{\"ingress-path\":7}", 18, 0600);
	return 0;
}

static int drop_files(void **state)
{
	(void)state;
	folder_remove(files);
	free(files);
	return 0;
}

static void test_errors(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		_cleanup_document_ struct document *document = NULL;
		_cleanup_error_ struct error err = {};
		int r = parse(errors[i].json, files, &document, &err);
		const char *message = error_message(&err);
		/*
		 * A leading "/" or trailing blank marks a message that depends on the folder or on
		 * json-c.
		 */
		bool cut = errors[i].message[strlen(errors[i].message) - 1] == ' ';
		bool tail = *errors[i].message == '/';
		bool same = !strcmp(errors[i].message, " ") ? true
			    : cut  ? !strncmp(message, errors[i].message, strlen(errors[i].message))
			    : tail ? !!strstr(message, errors[i].message)
				   : !strcmp(message, errors[i].message);

		if (r == errors[i].code && r == err.code && same && !document)
			continue;
		wrong++;
		print_error("%s\n  gives   %d %s\n  and not %d %s\n", errors[i].json, r, message,
			    errors[i].code, errors[i].message);
	}
	assert_int_equal(wrong, 0);
}

/* A document with every key. */
static void test_full(void **state)
{
	static const char json[] =
		"{\"name\":\"whatever\",\"ingress-path\":{\"name\":\"in\",\"code\":\"int x;\\n\","
		"\"program\":\"p\",\"metric-configs\":["
		"{\"name\":\"a\",\"map-name\":\"A\",\"extraction-options\":"
		"{\"empty-on-read\":true,\"swap-on-read\":true},\"open-metrics-metadata\":"
		"{\"help\":\"h\",\"type\":\"CoUnTeR\",\"labels\":["
		"{\"name\":\"l\",\"value\":\"\"},{\"name\":\"_m\",\"value\":\"\\u00e4\\\"\"}]}},"
		"{\"name\":\"b\",\"map-name\":\"A\"}]},"
		"\"egress-path\":{\"object-data\":\"f0VM\\nRg==\"}}\n\t ";
	_cleanup_document_ struct document *document = NULL;
	_cleanup_error_ struct error err = {};
	const struct direction_config *in, *out;
	const struct metric_config *a, *b;

	(void)state;
	assert_int_equal(parse(json, NULL, &document, &err), 0);
	assert_string_equal(text_str(&document->warnings), "");
	in = document->directions[INGRESS];
	out = document->directions[EGRESS];
	assert_string_equal(in->name, "in");
	assert_string_equal(in->program, "p");
	assert_string_equal(in->origin, "ingress-path.code");
	assert_int_equal(in->source.len, 7);
	assert_memory_equal(in->source.data, "int x;\n", 7);
	assert_int_equal(in->object.len, 0);
	assert_int_equal(in->n_metrics, 2);
	a = &in->metrics[0];
	b = &in->metrics[1];
	assert_string_equal(a->name, "a");
	assert_string_equal(a->map_name, "A");
	assert_true(a->empty_on_read && a->swap_on_read && a->exported);
	assert_string_equal(a->help, "h");
	assert_int_equal(a->type, METRIC_COUNTER);
	assert_int_equal(a->n_labels, 2);
	assert_string_equal(a->labels[0].value, "");
	assert_string_equal(a->labels[1].name, "_m");
	assert_string_equal(a->labels[1].value, "\xc3\xa4\"");
	assert_false(b->empty_on_read || b->swap_on_read || b->exported);
	assert_null(b->help);
	assert_int_equal(b->type, METRIC_UNTYPED);
	assert_int_equal(out->object.len, 4);
	assert_memory_equal(out->object.data,
			    "\x7f"
			    "ELF",
			    4);
	assert_string_equal(out->origin, "egress-path.object-data");
	assert_null(out->name);
	assert_int_equal(out->n_metrics, 0);
}

static const struct {
	const char *json, *warnings;
	bool ingress, egress;
} shapes[] = {
	{ "{}", "", false, false },
	{ "{\"ingress-path\":{},\"egress-path\":{}}", "", false, false },
	{ "{\"ingress-path\":null}", "", false, false },
	{ PATH(CODE), "", true, false },
	{ "{\"ingress-path\":{},\"egress-path\":{" CODE "}}", "", false, true },
	{ PATH(CODE ",\"code-file\":null,\"name\":null,\"metric-configs\":null"), "", true, false },
	{ METRICS("[]"), "", true, false },
	{ METRIC(NAMES ",\"extraction-options\":{},\"open-metrics-metadata\":null"), "", true,
	  false },
	{ LABELS("[]"), "", true, false },
	{ OPTIONS("\"empty-on-read\":null"), "", true, false },
	{ PATH("\"code-file\":\"full.c\""), "", true, false },
	{ PATH("\"object\":\"f.c\""), "", true, false },
	{ "{\"ingress_direction\":{},\"egress-path\":{" CODE "}}",
	  "ingress_direction: unknown key, ignored\n", false, true },
	{ "{\"name\":\"x\"}", "", false, false },
	{ "{\"ingress-path\":{\"x\":1," CODE ",\"y\":null}}",
	  "ingress-path.x: unknown key, ignored\ningress-path.y: unknown key, ignored\n", true,
	  false },
	{ LABELS("[{\"name\":\"a\",\"value\":\"\",\"colour\":\"k\"}]"),
	  AT ".open-metrics-metadata.labels[0].colour: unknown key, ignored\n", true, false },
	{ METRIC("\"Name\":\"x\"," NAMES), AT ".Name: unknown key, ignored\n", true, false },
	/* a key that exists elsewhere in the format */
	{ "{\"egress-path\":{" CODE "},\"code\":\"\"}",
	  "code: unknown key, ignored; this key belongs in ingress-path or egress-path\n", false,
	  true },
	{ METRIC(NAMES ",\"type\":\"gauge\""),
	  AT ".type: unknown key, ignored; this key belongs in "
	     "metric-configs[].open-metrics-metadata\n",
	  true, false },
	{ PATH(CODE ",\"value\":\"x\""),
	  "ingress-path.value: unknown key, ignored; this key belongs in "
	  "metric-configs[].open-metrics-metadata.labels[] or "
	  "metric-configs[].open-metrics-metadata\n",
	  true, false },
	/* documents of Dynmon 1.0 */
	{ "{\"name\":\"x\"," CODE ",\"metrics\":[{" NAMES "}]}", "", true, false },
	{ "{" CODE ",\"x\":1,\"metrics\":[]}", "ingress-path.x: unknown key, ignored\n", true,
	  false },
	{ PATH(CODE ",\"metrics\":[{" NAMES ",\"x\":1}]"), AT ".x: unknown key, ignored\n", true,
	  false },
	/* code that runs on the directions for which it has programs */
	{ "{" CODE "}", "", true, true },
	{ "{\"code-file\":\"full.c\",\"code-name\":\"x.c\"}", "", true, true },
	/* of two equal keys the last one counts, as usual with JSON */
	{ "{\"ingress-path\":7,\"ingress-path\":{" CODE "}}", "", true, false },
	{ " \n{}\n ", "", false, false },
};

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		_cleanup_document_ struct document *document = NULL;
		_cleanup_error_ struct error err = {};

		if (parse(shapes[i].json, files, &document, &err) < 0)
			fail_msg("%s: %s", shapes[i].json, error_message(&err));
		assert_string_equal(text_str(&document->warnings), shapes[i].warnings);
		assert_int_equal(!!document->directions[INGRESS], shapes[i].ingress);
		assert_int_equal(!!document->directions[EGRESS], shapes[i].egress);
	}
}

static void test_dynmon_1_0(void **state)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_error_ struct error err = {};
	struct direction_config *config;

	(void)state;
	assert_int_equal(
		parse("{\"name\":\"x\"," CODE ",\"metrics\":[{" NAMES "}]}", NULL, &document, &err),
		0);
	config = document->directions[INGRESS];
	assert_string_equal(config->name, "x");
	assert_string_equal(text_str(&config->source), "int x;");
	assert_int_equal(config->n_metrics, 1);
	assert_string_equal(config->metrics[0].map_name, "M");
	assert_non_null(json_object_object_get(config->json, "metric-configs"));
}

static void test_types(void **state)
{
	static const struct {
		const char *word;
		enum metric_type type;
	} types[] = {
		{ "counter", METRIC_COUNTER }, { "COUNTER", METRIC_COUNTER },
		{ "Gauge", METRIC_GAUGE },     { "hISTOGRAM", METRIC_HISTOGRAM },
		{ "Summary", METRIC_SUMMARY }, { "unTyped", METRIC_UNTYPED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_document_ struct document *document = NULL;
		_cleanup_error_ struct error err = {};
		_cleanup_free_ char *json = NULL;

		assert_true(asprintf(&json, META("\"type\":\"%s\""), types[i].word) > 0);
		assert_int_equal(parse(json, NULL, &document, &err), 0);
		assert_int_equal(document->directions[0]->metrics[0].type, types[i].type);
		assert_int_equal(strcasecmp(metric_type_name(types[i].type), types[i].word), 0);
	}
	assert_int_equal(direction_from_name("INGRESS"), INGRESS);
	assert_int_equal(direction_from_name("egress"), EGRESS);
	assert_int_equal(direction_from_name("both"), -1);
	assert_int_equal(direction_from_name(""), -1);
}

/* Returns a list of n elements, each formatted with its index. */
static char *many(const char *before, const char *fmt, size_t n, const char *after)
{
	_cleanup_text_ struct text json = {};

	text_adds(&json, before);
	for (size_t i = 0; i < n; i++) {
		if (i)
			text_addc(&json, ',');
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		text_printf(&json, fmt, i);
#pragma GCC diagnostic pop
	}
	text_adds(&json, after);
	return text_steal(&json);
}

static void test_limits(void **state)
{
	static const char metric[] = "{\"name\":\"m%zu\",\"map-name\":\"M\"}";
	static const char label[] = "{\"name\":\"l%zu\",\"value\":\"\"}";
	static const struct {
		const char *before, *fmt, *after;
		size_t max;
		const char *message;
	} lists[] = {
		{ "{\"ingress-path\":{" CODE ",\"metric-configs\":[", metric, "]}}", METRICS_MAX,
		  "ingress-path.metric-configs: 257 elements, at most 256 are possible" },
		{ "{\"ingress-path\":{" CODE ",\"metric-configs\":[{" NAMES
		  ",\"open-metrics-metadata\":{\"type\":\"gauge\",\"labels\":[",
		  label, "]}}]}}", LABELS_MAX,
		  AT ".open-metrics-metadata.labels: 33 elements, at most 32 are possible" },
		{ "{\"ingress-path\":{" CODE ",\"metric-configs\":[{" NAMES
		  ",\"open-metrics-metadata\":{\"type\":\"summary\",\"quantiles\":[",
		  "0.%02zu1", "]}}]}}", QUANTILES_MAX,
		  AT ".open-metrics-metadata.quantiles: 33 elements, at most 32 are possible" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (size_t more = 0; more < 2; more++) {
			_cleanup_document_ struct document *document = NULL;
			_cleanup_error_ struct error err = {};
			_cleanup_free_ char *json = many(lists[i].before, lists[i].fmt,
							 lists[i].max + more, lists[i].after);
			int r = parse(json, NULL, &document, &err);

			assert_int_equal(r, more ? -EFBIG : 0);
			if (more)
				assert_string_equal(error_message(&err), lists[i].message);
		}
}

static void test_sizes(void **state)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text json = {};

	(void)state;
	/* source of exactly the limit, and one byte above it */
	for (int more = 0; more < 2; more++) {
		text_clear(&json);
		text_adds(&json, "{\"ingress-path\":{\"code\":\"");
		for (int i = 0; i < CODE_MAX + more; i++)
			text_addc(&json, 'x');
		text_adds(&json, "\"}}");
		assert_int_equal(parse(text_str(&json), NULL, &document, &err), more ? -EFBIG : 0);
		document = document_free(document);
	}
	assert_string_equal(error_message(&err), "ingress-path.code: 1048577 bytes, at "
						 "most 1048576 are possible");
	/* a document of exactly the limit, and one byte above it */
	text_clear(&json);
	text_adds(&json, "{}");
	while (json.len <= DOCUMENT_MAX)
		text_addc(&json, ' ');
	assert_int_equal(document_parse(json.data, DOCUMENT_MAX, NULL, true, &document, &err), 0);
	document = document_free(document);
	assert_int_equal(document_parse(json.data, DOCUMENT_MAX + 1, NULL, true, &document, &err),
			 -EFBIG);
	assert_string_equal(error_message(&err), "the document has 4194305 bytes, at most 4194304 "
						 "are possible");
	/* deep nesting is rejected without recursion */
	text_clear(&json);
	text_adds(&json, "{\"x\":");
	for (int i = 0; i < 100000; i++)
		text_addc(&json, '[');
	assert_int_equal(parse(text_str(&json), NULL, &document, &err), -EINVAL);
	assert_true(contains(error_message(&err), "JSON syntax: line 1, column "));
	/* a NUL does not end the text */
	assert_int_equal(document_parse("{}\0{", 4, NULL, true, &document, &err), -EINVAL);
	assert_int_equal(document_parse("{\0}", 3, NULL, true, &document, &err), -EINVAL);
	assert_null(document);
}

/* A long key is truncated in the message and must not corrupt the path of later keys. */
static void test_long_key(void **state)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_error_ struct error err = {};
	char key[301], *json;

	(void)state;
	memset(key, 'k', 300);
	key[300] = '\0';
	assert_true(asprintf(&json, "{\"%s\":1,\"y\":1,\"ingress-path\":{" CODE "}}", key) > 0);
	assert_int_equal(parse(json, NULL, &document, &err), 0);
	free(json);
	key[80] = '\0';
	assert_true(asprintf(&json, "%s: unknown key, ignored\ny: unknown key, ignored\n", key) >
		    0);
	assert_string_equal(text_str(&document->warnings), json);
	free(json);
}

/* File names are relative to the document, regardless of its source. */
static void test_load(void **state)
{
	static const struct {
		const char *name;
		const char *source;
	} loads[] = {
		{ "top.json", "int f;" },
		{ "folder/doc.json", "int n;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		for (int confined = 0; confined < 2; confined++) {
			_cleanup_document_ struct document *document = NULL;
			_cleanup_error_ struct error err = {};

			if (document_load(files, loads[i].name, confined, &document, &err) < 0)
				fail_msg("%s, confined %d: %s", loads[i].name, confined,
					 error_message(&err));
			assert_string_equal(text_str(&document->directions[0]->source),
					    loads[i].source);
		}
}

static void test_load_errors(void **state)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *message = NULL, *full = NULL;

	(void)state;
	assert_int_equal(document_load(files, "wrong.json", true, &document, &err), -EINVAL);
	assert_true(asprintf(&message, "%s/wrong.json: ingress-path: expected an object, found 7",
			     files) > 0);
	assert_string_equal(error_message(&err), message);
	assert_int_equal(document_load(files, "../x.json", true, &document, &err), -EACCES);
	assert_true(asprintf(&full, "%s/top.json", files) > 0);
	assert_int_equal(document_load(files, full, true, &document, &err), -EACCES);
	assert_int_equal(document_load(files, full, false, &document, &err), 0);
	document = document_free(document);
	assert_int_equal(document_load(NULL, full, false, &document, &err), 0);
}

/* A direction may outlive its document. */
static void test_references(void **state)
{
	struct document *document = NULL;
	struct direction_config *direction;

	(void)state;
	assert_int_equal(parse(METRIC(NAMES), NULL, &document, NULL), 0);
	direction = direction_config_ref(document->directions[0]);
	assert_null(document_free(document));
	assert_string_equal(direction->metrics[0].name, "a");
	assert_null(direction_config_unref(direction));
	assert_null(direction_config_ref(NULL));
	assert_null(direction_config_unref(NULL));
	assert_null(document_free(NULL));
	/* the error argument is optional */
	assert_int_equal(parse("{", NULL, &document, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),	   cmocka_unit_test(test_full),
		cmocka_unit_test(test_shapes),	   cmocka_unit_test(test_dynmon_1_0),
		cmocka_unit_test(test_types),	   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_sizes),	   cmocka_unit_test(test_long_key),
		cmocka_unit_test(test_load),	   cmocka_unit_test(test_load_errors),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, make_files, drop_files);
}
