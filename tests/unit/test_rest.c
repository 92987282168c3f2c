/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routing and bodies of Polycube's REST API, on a registry without a compiler. */
#include "base/file.h"
#include "base/log.h"
#include "fixture.h"
#include "serve/rest.h"
#include "serve/rest_path.h"

#include <errno.h>

static struct registry *registry;

static int set_up(void **state)
{
	const struct compiler compiler = {};

	(void)state;
	log_set_sink(ignore_log);
	return registry_new(&compiler, "/none", NULL, &registry, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	registry = registry_free(registry);
	return 0;
}

static const struct {
	const char *uri;
	int code;
	bool prefixed;
	const char *rest;  /* suffix from the first word on */
	const char *words; /* separated by | */
} uris[] = {
	{ "", 0, false, "", "" },
	{ "/", 0, false, "", "" },
	{ "/?a=/b", 0, false, "?a=/b", "" },
	{ "/dynmon", 0, false, "dynmon", "dynmon" },
	{ "//dynmon//m//", 0, false, "dynmon//m//", "dynmon|m" },
	{ "/polycube/v1", 0, true, "", "" },
	{ "/polycube/v1/", 0, true, "", "" },
	{ "//polycube//v1//cubes/?x", 0, true, "cubes/?x", "cubes" },
	{ "/polycube/v1?help=NONE", 0, true, "?help=NONE", "" },
	{ "/polycube/v2/cubes", 0, false, "polycube/v2/cubes", "polycube|v2|cubes" },
	{ "/polycube/v11", 0, false, "polycube/v11", "polycube|v11" },
	{ "/polycube", 0, false, "polycube", "polycube" },
	{ "/polycubes/v1", 0, false, "polycubes/v1", "polycubes|v1" },
	{ "/a%20b/c%2Fd/%c3%a4", 0, false, "a%20b/c%2Fd/%c3%a4", "a b|c/d|\xc3\xa4" },
	{ "/a+b", 0, false, "a+b", "a+b" },
	{ "/%", -EINVAL, false, NULL, NULL },
	{ "/%4", -EINVAL, false, NULL, NULL },
	{ "/a%4/b", -EINVAL, false, NULL, NULL },
	{ "/%4g", -EINVAL, false, NULL, NULL },
	{ "/%00", -EINVAL, false, NULL, NULL },
	{ "/a%00", -EINVAL, false, NULL, NULL },
	{ "/%ff", -EINVAL, false, NULL, NULL },
	{ "/\xc3", -EINVAL, false, NULL, NULL },
	{ "/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/", 0, false, "1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/",
	  "1|2|3|4|5|6|7|8|9|a|b|c|d|e|f|g" },
	{ "/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h", -E2BIG, false, NULL, NULL },
};

static void test_uris(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		_cleanup_text_ struct text words = {};
		_cleanup_error_ struct error err = {};
		struct rest_path path;
		int r = rest_path_parse(&path, uris[i].uri, &err);

		for (size_t j = 0; j < path.n; j++)
			text_printf(&words, "%s%s", j ? "|" : "", path.words[j]);
		if (r != uris[i].code)
			fail_msg("%s: %d %s", uris[i].uri, r, error_message(&err));
		if (r == 0) {
			assert_string_equal(text_str(&words), uris[i].words);
			assert_string_equal(uris[i].uri + path.rest_at, uris[i].rest);
			assert_int_equal(path.prefixed, uris[i].prefixed);
		} else {
			assert_int_equal(path.n, 0);
			assert_true(contains(error_message(&err), "path: "));
		}
		rest_path_release(&path);
	}
}

static void test_long_uri(void **state)
{
	_cleanup_text_ struct text uri = {};
	struct rest_path path;

	(void)state;
	text_addc(&uri, '/');
	while (uri.len < REST_URI_MAX)
		text_addc(&uri, 'x');
	assert_int_equal(rest_path_parse(&path, text_str(&uri), NULL), 0);
	rest_path_release(&path);
	text_addc(&uri, 'x');
	assert_int_equal(rest_path_parse(&path, text_str(&uri), NULL), -E2BIG);
}

static void test_patterns(void **state)
{
	static const struct {
		const char *uri, *pattern;
		bool matches;
	} rows[] = {
		{ "/", "", true },
		{ "/a", "", false },
		{ "/a", "a", true },
		{ "/a", "b", false },
		{ "/ab", "a", false },
		{ "/a", "ab", false },
		{ "/a/b", "a", false },
		{ "/a", "a/b", false },
		{ "/a/b", "a/:x", true },
		{ "/a", "a/:x", false },
		{ "/a/b", "a/b|c", true },
		{ "/a/c", "a/b|c", true },
		{ "/a/b|c", "a/b|c", false },
		{ "/a/d", "a/b|c", false },
		{ "/c/d", "b|c/d", true },
		{ "/a/b", "a/*", true },
		{ "/a/b/c/d", "a/*", true },
		{ "/a", "a/*", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rest_path path;

		assert_int_equal(rest_path_parse(&path, rows[i].uri, NULL), 0);
		if (rest_path_matches(&path, rows[i].pattern) != rows[i].matches)
			fail_msg("%s %s", rows[i].uri, rows[i].pattern);
		rest_path_release(&path);
	}
}

static void test_query(void **state)
{
	static const struct {
		const char *uri, *value;
	} rows[] = {
		{ "/a", NULL },
		{ "/a?", NULL },
		{ "/a?help", "" },
		{ "/a?help=", "" },
		{ "/a?help=NONE", "NONE" },
		{ "/a?x=help&help=%4eONE&help=x", "NONE" },
		{ "/a?helper=x&xhelp=y", NULL },
		{ "/a?&&help=1=2", "1=2" },
		{ "/a?help=%zz", NULL },
		{ "/help=1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *value = rest_query(rows[i].uri, "help");

		if (rows[i].value ? !value || strcmp(value, rows[i].value) : value != NULL)
			fail_msg("%s: %s", rows[i].uri, value);
	}
}

/* Parsing an escaped word gives the original word. */
static void test_add(void **state)
{
	static const char *const words[] = { "edge",	 "a/b",	 "100%", "a b",
					     "\xc3\xa4", "?&=#", "~-._" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		_cleanup_text_ struct text uri = {};
		struct rest_path path;

		text_addc(&uri, '/');
		rest_path_add(&uri, words[i]);
		assert_int_equal(rest_path_parse(&path, text_str(&uri), NULL), 0);
		assert_int_equal(path.n, 1);
		assert_string_equal(path.words[0], words[i]);
		rest_path_release(&path);
	}
}

/* Sequential requests to one registry. A body that ends in * matches any suffix. */
static const struct {
	const char *method, *uri, *body;
	unsigned int status;
	const char *answer;
} talks[] = {
	{ "GET", "/dynmon", NULL, 200, "[]" },
	{ "GET", "/cubes/", NULL, 200, "{}" },
	{ "GET", "/polycube/v1/dynmon/a", NULL, 404, "{\"ietf-restconf:errors\":{\"error\":[{*" },
	{ "POST", "/dynmon/a", NULL, 201, "" },
	{ "POST", "/dynmon/a", "{}", 409, "{\"ietf-restconf:errors\":{\"error\":[{*" },
	{ "POST", "/dynmon", "{\"name\":\"b\",\"type\":\"tc\",\"loglevel\":\"Critical\"}", 201,
	  "" },
	{ "GET", "/dynmon/b/loglevel", NULL, 200, "\"CRITICAL\"" },
	{ "GET", "/dynmon/b/type", NULL, 200, "\"TC\"" },
	{ "PATCH", "/dynmon/b/loglevel/", "\"Trace\"", 200, "" },
	{ "GET", "/b/loglevel", NULL, 308, "" },
	{ "GET", "/dynmon/b/loglevel", NULL, 200, "\"TRACE\"" },
	{ "PATCH", "/dynmon/b/loglevel/", "null", 400, "{\"ietf-restconf:errors\":*" },
	{ "PATCH", "/dynmon/b/loglevel/", "7", 400, "{\"ietf-restconf:errors\":*" },
	{ "PATCH", "/dynmon/b", "{}", 200, "" },
	{ "PATCH", "/dynmon/b", "{\"name\":\"a\"}", 400, "{\"ietf-restconf:errors\":*" },
	{ "GET", "/dynmon/b/dataplane/", NULL, 200, "{\"_links\":[{\"rel\":\"self\",*" },
	{ "GET", "/dynmon/b/metrics", NULL, 200,
	  "{\"ingress-metrics\":[],\"egress-metrics\":[],\"_links\":[{\"rel\":\"self\","
	  "\"href\":\"//h:1/polycube/v1/dynmon/b/metrics/\"},{\"rel\":\"ingress-metrics\","
	  "\"href\":\"//h:1/polycube/v1/dynmon/b/metrics/ingress-metrics/\"},"
	  "{\"rel\":\"egress-metrics\","
	  "\"href\":\"//h:1/polycube/v1/dynmon/b/metrics/egress-metrics/\"}]}" },
	{ "GET", "/dynmon/b/metrics/egress-metrics", NULL, 200, "[]" },
	{ "GET", "/dynmon/b/metrics/egress-metrics/x", NULL, 404, "{\"ietf-restconf:errors\":*" },
	{ "GET", "/dynmon/b/open-metrics", NULL, 200, "# EOF\n" },
	{ "PUT", "/dynmon/b/dataplane", "{}", 201, "" },
	{ "PUT", "/dynmon/b/dataplane", "{\"ingress-path\":{},\"egress-path\":{}}", 201, "" },
	{ "PUT", "/dynmon/b/dataplane/ingress-path", "{}", 201, "" },
	{ "PATCH", "/dynmon/b/dataplane/ingress-path", NULL, 200, "" },
	{ "DELETE", "/dynmon/b/dataplane/ingress-path", NULL, 204, "" },
	{ "DELETE", "/dynmon/b/dataplane", NULL, 204, "" },
	/* bodies */
	{ "PUT", "/dynmon/b/dataplane", "", 201, "" },
	{ "PUT", "/dynmon/b/dataplane", "{", 400, "JSON syntax: line 1, column 2: *" },
	{ "PUT", "/dynmon/b/dataplane", "{}{}", 400, "JSON syntax: line 1, column 3: *" },
	{ "PUT", "/dynmon/b/dataplane", "null", 400, "{\"ietf-restconf:errors\":*" },
	{ "PUT", "/dynmon/b/dataplane", "\"\\ud800\"", 400, "*" },
	{ "PUT", "/dynmon/b/dataplane", "{\"ingress-path\":[]}", 400,
	  "{\"ietf-restconf:errors\":{\"error\":[{\"error-type\":\"application\","
	  "\"error-tag\":\"invalid-value\",\"error-info\":\"ingress-path\","
	  "\"error-message\":\"ingress-path: expected an object, found []\"}]}}" },
	{ "PUT", "/dynmon/b/dataplane/egress-path", "{\"name\":\"x\"}", 400,
	  "{\"ietf-restconf:errors\":{\"error\":[{\"error-type\":\"application\","
	  "\"error-tag\":\"missing-attribute\",\"error-info\":\"egress-path\",*" },
	{ "POST", "/dynmon/c", "{\"name\":\"c\\u0000d\"}", 400, "{\"ietf-restconf:errors\":*" },
	{ "POST", "/dynmon/c", "{\"uuid\":\"1\"}", 400, "{\"ietf-restconf:errors\":*" },
	{ "POST", "/dynmon/c", "{\"dataplane-config\":{\"egress-path\":{\"code-file\":\"x\"}}}",
	  400, "{\"ietf-restconf:errors\":*" },
	{ "POST", "/dynmon/.c", "{}", 400, "{\"ietf-restconf:errors\":*" },
	{ "GET", "/dynmon/c", NULL, 404, "{\"ietf-restconf:errors\":*" },
	/* attach and detach; the requested interfaces do not exist */
	{ "POST", "/attach", "{\"cube\":\"b\"}", 400, "Port is missing\n" },
	{ "POST", "/attach", "{\"cube\":\"b\",\"port\":7}", 400, "{\"ietf-restconf:errors\":*" },
	{ "POST", "/attach", "{\"cube\":\"c\",\"port\":\"x\"}", 400, "Cube c does not exist\n" },
	{ "POST", "/attach", "{\"cube\":\"b\",\"port\":\"a b\"}", 400,
	  "Monitor \"b\": Interface: *" },
	{ "POST", "/attach", "{\"cube\":\"b\",\"port\":\"nosuch0\"}", 400,
	  "Port nosuch0 does not exist\n" },
	{ "POST", "/attach", "{\"cube\":\"b\",\"port\":\"x\",\"after\":\"c\"}", 400,
	  "Cube c does not exist\n" },
	{ "POST", "/detach", "{\"cube\":\"b\",\"port\":\"x\"}", 400,
	  "monitor b is not attached to x\n" },
	{ "POST", "/attach", "[]", 400, "{\"ietf-restconf:errors\":*" },
	/* paths and methods */
	{ "PUT", "/cubes", "{}", 405,
	  "PUT is not supported by this path; supported: GET, HEAD, OPTIONS\n" },
	{ "BREW", "/dynmon/b/uuid", NULL, 405,
	  "BREW is not supported by this path; supported: GET, HEAD, OPTIONS\n" },
	{ "OPTIONS", "/attach", NULL, 204, "" },
	{ "GET", "/none", NULL, 404, "No cube found named none\n" },
	{ "GET", "/attach/x", NULL, 404, "Cannot find /attach/x\n" },
	{ "GET", "/%", NULL, 400, "path: *" },
	{ "DELETE", "/dynmon/b", NULL, 200, "" },
	{ "DELETE", "/dynmon/b", NULL, 409, "{\"ietf-restconf:errors\":*" },
	{ "DELETE", "/dynmon/a", NULL, 200, "" },
};

static void talk(const struct http_request *request, struct http_answer *answer)
{
	_cleanup_error_ struct error err = {};

	rest_run(request, answer);
	while (answer->stream && stream_next(answer->stream, &answer->body, &err) > 0)
		;
	assert_int_equal(err.code, 0);
}

static void test_talks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++) {
		const char *expected = talks[i].answer;
		size_t len = strlen(expected);
		const struct http_request request = {
			.registry = registry,
			.method = talks[i].method,
			.uri = talks[i].uri,
			.host = "h:1",
			.body = talks[i].body,
			.len = talks[i].body ? strlen(talks[i].body) : 0,
			.writes = true,
			.listener = "here",
		};
		_cleanup_(http_answer_release) struct http_answer answer = {};

		talk(&request, &answer);
		if (answer.status != talks[i].status ||
		    (len && expected[len - 1] == '*'
			     ? strncmp(text_str(&answer.body), expected, len - 1)
			     : strcmp(text_str(&answer.body), expected)))
			fail_msg("%s %s: %u %s", talks[i].method, talks[i].uri, answer.status,
				 text_str(&answer.body));
		assert_true(*answer.content_type);
		assert_true((answer.status == 405 || answer.status == 204) >=
			    (answer.allow.len > 0));
	}
}

/* Without write permission nothing changes, and a request is rejected before its body is read. */
static void test_gate(void **state)
{
	struct http_request request = {
		.registry = registry,
		.method = "POST",
		.uri = "/dynmon/x",
		.body = "{}",
		.len = 2,
		.listener = "here",
	};
	struct monitor_list list;

	(void)state;
	for (int writes = 0; writes < 2; writes++) {
		_cleanup_(http_answer_release) struct http_answer answer = {};
		_cleanup_(http_answer_release) struct http_answer before = {};

		request.writes = writes;
		assert_int_equal(rest_refuse(&request, &before), !writes);
		if (!writes)
			assert_int_equal(before.status, 403);
		talk(&request, &answer);
		assert_int_equal(answer.status, writes ? 201 : 403);
		assert_int_equal(answer.changes, writes);
		assert_int_equal(registry_list(registry, "x", &list, NULL), writes ? 0 : -ENOENT);
		if (!writes)
			assert_true(contains(text_str(&answer.body), "AllowWrites"));
	}
	monitor_list_release(&list);
}

/* The host is repeated in many links, so its length is limited. */
static void test_long_host(void **state)
{
	char host[20000];
	struct http_request request = {
		.registry = registry, .method = "GET", .uri = "/", .host = host, .listener = ""
	};

	(void)state;
	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	for (int cut = 0; cut < 2; cut++) {
		_cleanup_(http_answer_release) struct http_answer answer = {};
		_cleanup_text_ struct text link = {};

		request.host = cut ? host : host + sizeof(host) - 1 - 261;
		text_printf(&link, "\"//%s/polycube/v1/cubes/\"", host + sizeof(host) - 1 - 261);
		talk(&request, &answer);
		assert_int_equal(answer.status, 200);
		assert_true(contains(text_str(&answer.body), text_str(&link)));
	}
}

/* A name always has the same UUID, and other names have different ones. */
static void test_uuid(void **state)
{
	static const char *const names[] = { "a", "b", "a" };
	struct text uuids[ARRAY_SIZE(names)] = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_text_ struct text uri = {};
		struct http_request request = { .registry = registry,
						.writes = true,
						.listener = "" };

		text_printf(&uri, "/dynmon/%s", names[i]);
		for (int step = 0; step < 3; step++) {
			static const char *const methods[] = { "POST", "GET", "DELETE" };
			_cleanup_(http_answer_release) struct http_answer answer = {};

			request.method = methods[step];
			request.uri = text_str(&uri);
			if (step == 1)
				text_adds(&uri, "/uuid");
			request.uri = text_str(&uri);
			talk(&request, &answer);
			assert_true(answer.status < 300);
			if (step == 1) {
				text_adds(&uuids[i], text_str(&answer.body));
				uri.len -= strlen("/uuid");
			}
		}
		assert_int_equal(uuids[i].len, 38);
	}
	assert_string_equal(text_str(&uuids[0]), text_str(&uuids[2]));
	assert_string_not_equal(text_str(&uuids[0]), text_str(&uuids[1]));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		text_release(&uuids[i]);
}

/* Values of unknown keys are returned unchanged. */
static void test_unknown_keys(void **state)
{
	static const char source[] = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
				     "SEC(\"tc\") int on_tc(struct __sk_buff *skb) { return -1; }\n"
				     "char _license[] SEC(\"license\") = \"GPL\";\n";
	static const struct {
		const char *list, *answer; /* without its links; links is their number */
		size_t links;
	} rows[] = {
		{ "[{\"name\":\"a\"},{\"name\":\"b\"}]",
		  "[{\"name\":\"a\"},{\"name\":\"b\"},[\"_links\"", 2 },
		{ "[{\"name\":\"a\"},{}]", "[{\"name\":\"a\"},{},[\"_links\"", 1 },
		{ "[{\"name\":\"a\"},{\"name\":null},7,null,[]]",
		  "[{\"name\":\"a\"},{\"name\":null},7,null,[],[\"_links\"", 1 },
		{ "[7,{\"name\":\"a\"}]", "[7,{\"name\":\"a\"}]", 0 },
	};
	_cleanup_text_ struct text elf = {}, object = {};

	(void)state;
	skip_without_bpf();
	if (!object_compile(source, &elf))
		skip();
	base64_encode(elf.data, elf.len, &object);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(http_answer_release) struct http_answer made = {}, answer = {}, gone = {};
		_cleanup_text_ struct text body = {};
		struct http_request request = { .registry = registry,
						.writes = true,
						.listener = "" };
		size_t links = 0;

		text_printf(&body,
			    "{\"dataplane-config\":{\"ingress-path\":{\"object-data\":\"%s\","
			    "\"mine\":%s}}}",
			    text_str(&object), rows[i].list);
		request.uri = "/dynmon/k";
		request.method = "POST";
		request.body = text_str(&body);
		request.len = body.len;
		talk(&request, &made);
		if (made.status != 201)
			fail_msg("%s", text_str(&made.body));
		request = (struct http_request){ .registry = registry, .listener = "" };
		request.uri = "/dynmon/k/dataplane/ingress-path/mine";
		request.method = "GET";
		talk(&request, &answer);
		assert_int_equal(answer.status, 200);
		if (strncmp(text_str(&answer.body), rows[i].answer, strlen(rows[i].answer)) != 0)
			fail_msg("%s: %s", rows[i].list, text_str(&answer.body));
		for (const char *at = text_str(&answer.body); (at = strstr(at, "/mine/")); at++)
			links += at[strlen("/mine/")] != '"';
		assert_int_equal(links, rows[i].links);
		request.uri = "/dynmon/k";
		request.method = "DELETE";
		request.writes = true;
		talk(&request, &gone);
		assert_int_equal(gone.status, 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uris),
		cmocka_unit_test(test_long_uri),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_add),
		cmocka_unit_test_setup_teardown(test_talks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_host, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_uuid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_keys, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
