/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/dialect.h"
#include "cc/lex.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Expected translations of BPF_ARRAY(A, ...), BPF_HASH(H, ...) and so on. */
#define A     "dynmon_table(\"array\", A, int, u64, 1, 0);"
#define H     "dynmon_table(\"hash\", H, u32, u64, 1, 0);"
#define Q     "dynmon_queue(\"queue\", Q, u64, 1, 0);"
#define A_OUT "dynmon_table_array( A, int, u64, 1, 0);"
#define H_OUT "dynmon_table_hash( H, u32, u64, 1, 0);"
#define Q_OUT "dynmon_queue_queue( Q, u64, 1, 0);"

static const struct {
	const char *name, *in, *out;
} translations[] = {
	{ "nothing", "", "" },
	{ "plain C", "int f(void) { return 1; }\n", "int f(void) { return 1; }\n" },
	{ "only space", " \t\r\n\n", " \t\r\n\n" },

	/* maps */
	{ "array", A, A_OUT },
	{ "hash", H, H_OUT },
	{ "queue", Q, Q_OUT },
	{ "percpu_hash", "dynmon_table(\"percpu_hash\", M, K, V, 1, 0)",
	  "dynmon_table_percpu_hash( M, K, V, 1, 0)" },
	{ "percpu_array", "dynmon_table(\"percpu_array\", M, int, V, 1, 0)",
	  "dynmon_table_percpu_array( M, int, V, 1, 0)" },
	{ "lru_hash", "dynmon_table(\"lru_hash\", M, K, V, 1, 0)",
	  "dynmon_table_lru_hash( M, K, V, 1, 0)" },
	{ "lru_percpu_hash", "dynmon_table(\"lru_percpu_hash\", M, K, V, 1, 0)",
	  "dynmon_table_lru_percpu_hash( M, K, V, 1, 0)" },
	{ "lpm_trie", "dynmon_table(\"lpm_trie\", M, K, V, 1, 0)",
	  "dynmon_table_lpm_trie( M, K, V, 1, 0)" },
	{ "histogram", "dynmon_table(\"histogram\", M, int, u64, 64, 0)",
	  "dynmon_table_histogram( M, int, u64, 64, 0)" },
	{ "prog", "dynmon_table(\"prog\", M, u32, u32, 4, 0)",
	  "dynmon_table_prog( M, u32, u32, 4, 0)" },
	{ "perf_output", "dynmon_table(\"perf_output\", M, int, int, 0, 0)",
	  "dynmon_table_perf_output( M, int, int, 0, 0)" },
	{ "stack", "dynmon_queue(\"stack\", M, V, 1, 0)", "dynmon_queue_stack( M, V, 1, 0)" },
	{ "extern table", "dynmon_table(\"extern\", M, K, V, 1, 0)",
	  "dynmon_table_extern( M, K, V, 1, 0)" },
	{ "extern queue", "dynmon_queue(\"extern\", M, V, 1, 0)",
	  "dynmon_queue_extern( M, V, 1, 0)" },
	{ "a size that is an expression", "dynmon_table(\"hash\", M, K, V, (N * 8) + f(1, 2), 0)",
	  "dynmon_table_hash( M, K, V, (N * 8) + f(1, 2), 0)" },
	{ "space in a marker", "dynmon_table\n(\n\"hash\"\t,\rM, K, V, 1, 0)",
	  "dynmon_table_hash\n(\n\t\rM, K, V, 1, 0)" },
	{ "tags are kept", "__attribute__((btf_decl_tag(\"dynmon:\" \"pin=\" \"/x\"))) " H,
	  "__attribute__((btf_decl_tag(\"dynmon:\" \"pin=\" \"/x\"))) " H_OUT },
	{ "two maps in a line", A H, A_OUT H_OUT },
	{ "no semicolon", "dynmon_table(\"hash\", M, K, V, 1, 0) int x;",
	  "dynmon_table_hash( M, K, V, 1, 0) int x;" },

	/* methods */
	{ "lookup", H "H.lookup(&k);", H_OUT "dynmon_lookup(H,(&k));" },
	{ "lookup_or_init", H "H.lookup_or_init(&k, &v);",
	  H_OUT "dynmon_lookup_or_init(H,(&k),( &v));" },
	{ "lookup_or_try_init", H "H.lookup_or_try_init(&k, &v);",
	  H_OUT "dynmon_lookup_or_try_init(H,(&k),( &v));" },
	{ "update", H "H.update(&k, &v);", H_OUT "dynmon_update(H,(&k),( &v));" },
	{ "insert", H "H.insert(&k, &v);", H_OUT "dynmon_insert(H,(&k),( &v));" },
	{ "delete", H "H.delete(&k);", H_OUT "dynmon_delete(H,(&k));" },
	{ "increment", H "H.increment(k);", H_OUT "dynmon_increment(H,(k));" },
	{ "increment by", H "H.increment(k, 2);", H_OUT "dynmon_increment(H,(k),( 2));" },
	{ "atomic_increment", H "H.atomic_increment(k);", H_OUT "dynmon_atomic_increment(H,(k));" },
	{ "push", Q "Q.push(&v, 0);", Q_OUT "dynmon_push(Q,(&v),( 0));" },
	{ "pop", Q "Q.pop(&v);", Q_OUT "dynmon_pop(Q,(&v));" },
	{ "peek", Q "Q.peek(&v);", Q_OUT "dynmon_peek(Q,(&v));" },
	{ "call", A "A.call(ctx, 1);", A_OUT "dynmon_call(A,(ctx),( 1));" },
	{ "perf_submit", A "A.perf_submit(ctx, &e, sizeof(e));",
	  A_OUT "dynmon_perf_submit(A,(ctx),( &e),( sizeof(e)));" },
	{ "perf_submit_skb", A "A.perf_submit_skb(ctx, n, &e, sizeof(e));",
	  A_OUT "dynmon_perf_submit_skb(A,(ctx),( n),( &e),( sizeof(e)));" },
	{ "nested", A H "A.lookup(H.lookup(&k));",
	  A_OUT H_OUT "dynmon_lookup(A,(dynmon_lookup(H,(&k))));" },
	{ "in a condition", H "if (!H.lookup(&k) && H.lookup(&l)) ;",
	  H_OUT "if (!dynmon_lookup(H,(&k)) && dynmon_lookup(H,(&l))) ;" },
	{ "result used", H "H.lookup(&k)->x = *H.lookup(&k);",
	  H_OUT "dynmon_lookup(H,(&k))->x = *dynmon_lookup(H,(&k));" },
	{ "space in a call", H "H . lookup (&k)", H_OUT "dynmon_lookup(H   ,(&k))" },
	{ "lines in a call", H "H\n  .lookup\n  (&k)", H_OUT "dynmon_lookup(H\n  \n  ,(&k))" },
	{ "markers in a call", H "H\n# 40 \"c\"\n.lookup(&k)",
	  H_OUT "dynmon_lookup(H\n# 40 \"c\"\n,(&k))" },
	{ "a literal with commas", H "H.update(&(struct k){ 1, 2 }, (u64[]){ 3, 4 });",
	  H_OUT "dynmon_update(H,(&(struct k){ 1, 2 }),( (u64[]){ 3, 4 }));" },
	{ "no arguments", H "H.lookup()", H_OUT "dynmon_lookup(H,())" },
	{ "commas around a call", H "f(1, H.lookup(g(2, 3)), 4), 5;",
	  H_OUT "f(1, dynmon_lookup(H,(g(2, 3))), 4), 5;" },
	{ "brackets that do not match", H ")]} H.lookup(&k[1, 2); }",
	  H_OUT ")]} dynmon_lookup(H,(&k[1, 2); )}" },
	{ "CRLF", H "\r\nH.lookup(&k);\r\n", H_OUT "\r\ndynmon_lookup(H,(&k));\r\n" },

	/* text that resembles a method call */
	{ "in a string", H "\"H.lookup(&k)\"", H_OUT "\"H.lookup(&k)\"" },
	{ "in a string after an escape", H "\"\\\"H.lookup(&k)\"", H_OUT "\"\\\"H.lookup(&k)\"" },
	{ "in a character", H "'H.lookup('", H_OUT "'H.lookup('" },
	{ "in a comment", H "/* H.lookup(&k) */ // H.lookup(&k)\n",
	  H_OUT "/* H.lookup(&k) */ // H.lookup(&k)\n" },
	{ "in a directive", H "\n#pragma H.lookup(&k)\n", H_OUT "\n#pragma H.lookup(&k)\n" },
	{ "a marker in a string", "\"dynmon_table(\"", "\"dynmon_table(\"" },
	{ "a field named as a map", H "s.H.lookup(&k); p->H.lookup(&k);",
	  H_OUT "s.H.lookup(&k); p->H.lookup(&k);" },
	{ "a field named as a method", H "int lookup; s.lookup(1); x->update(2);",
	  H_OUT "int lookup; s.lookup(1); x->update(2);" },
	{ "a longer name", H "HH.lookup(&k); xH.lookup(&k); H_.lookup(&k);",
	  H_OUT "HH.lookup(&k); xH.lookup(&k); H_.lookup(&k);" },
	{ "a map's own field", H "sizeof(*H.value)", H_OUT "sizeof(*H.value)" },
	{ "a map's address", H "bpf_map_lookup_elem(&H, &k)", H_OUT "bpf_map_lookup_elem(&H, &k)" },
	{ "before its declaration", "H.lookup(&k);" H, "H.lookup(&k);" H_OUT },
	{ "a number", H "1.H.lookup(&k)", H_OUT "1.H.lookup(&k)" },

	/* truncated */
	{ "a method", H "H.", H_OUT "H." },
	{ "a call", H "H.lookup", H_OUT "H.lookup" },
	{ "an argument", H "H.lookup(", H_OUT "dynmon_lookup(H,(" },
	{ "a string", H "\"H.lookup(", H_OUT "\"H.lookup(" },
	{ "a comment", H "/* H.lookup(", H_OUT "/* H.lookup(" },
};

static void test_translate(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(translations); i++) {
		_cleanup_text_ struct text out = {};
		_cleanup_error_ struct error err = {};
		int r = dialect_translate(translations[i].in, strlen(translations[i].in), &out,
					  &err);

		if (r || strcmp(text_str(&out), translations[i].out))
			fail_msg("%s: %d %s\n got: %s\nwant: %s", translations[i].name, r,
				 error_message(&err), text_str(&out), translations[i].out);
	}
}

static const struct {
	const char *name, *in, *message;
} errors[] = {
	{ "unknown type", "\ndynmon_table(\"hsh\", M, K, V, 1, 0)",
	  "<code>:2: error: map 'M' has the unknown type \"hsh\"; known are hash, array, "
	  "percpu_hash, percpu_array, lru_hash, lru_percpu_hash, lpm_trie, histogram, prog, "
	  "perf_output, extern" },
	{ "a table's type for a queue", "dynmon_queue(\"hash\", M, V, 1, 0)",
	  "<code>:1: error: map 'M' has the unknown type \"hash\"; known are queue, stack, "
	  "extern" },
	{ "empty type", "dynmon_queue(\"\", M, V, 1, 0)",
	  "<code>:1: error: map 'M' has the unknown type \"\"; known are queue, stack, extern" },
	{ "type without quotes", "dynmon_table(hash, M, K, V, 1, 0)",
	  "<code>:1: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "no name", "dynmon_table(\"hash\", 1, K, V, 1, 0)",
	  "<code>:1: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "cut short", "dynmon_table(\"hash\"",
	  "<code>:1: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "cut short in the type", "dynmon_table(\"",
	  "<code>:1: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "cut short at once", "dynmon_queue",
	  "<code>:1: error: a map needs a type in quotes, as in \"queue\", and a name" },
	{ "declared twice",
	  A "\n\n"
	    "dynmon_queue(\"stack\", A, V, 1, 0)",
	  "<code>:3: error: map 'A' is declared twice, first in line 1" },
	{ "unknown method", A "A.lokup(&k)",
	  "<code>:1: error: map 'A' has no method 'lokup'; methods are lookup, lookup_or_init, "
	  "lookup_or_try_init, update, insert, delete, increment, atomic_increment, push, pop, "
	  "peek, call, perf_submit, perf_submit_skb" },
	{ "a line marker", "# 7 \"ingress-path.code\" 2\n\n\ndynmon_table",
	  "ingress-path.code:9: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "a #line", "#line 7 \"x\"\ndynmon_table",
	  "x:7: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "a marker without a file", "# 7 \"x\"\n# 70\n\ndynmon_table",
	  "x:71: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "lines with CRLF", "# 1 \"x\"\r\n\r\n\r\ndynmon_table",
	  "x:3: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "lines of a comment", "/*\n\n*/ dynmon_table",
	  "<code>:3: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "lines of a string", "\"a\\\nb\" dynmon_table",
	  "<code>:2: error: a map needs a type in quotes, as in \"hash\", and a name" },
	{ "lines of a directive", "#pragma a \\\n b\ndynmon_table",
	  "<code>:3: error: a map needs a type in quotes, as in \"hash\", and a name" },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		_cleanup_text_ struct text out = {};
		_cleanup_error_ struct error err = {};
		int r = dialect_translate(errors[i].in, strlen(errors[i].in), &out, &err);

		if (r != -EBADMSG || strcmp(error_message(&err), errors[i].message))
			fail_msg("%s: %d\n got: %s\nwant: %s", errors[i].name, r,
				 error_message(&err), errors[i].message);
	}
}

static void test_too_deep(void **state)
{
	_cleanup_text_ struct text in = {}, out = {};
	_cleanup_error_ struct error err = {};

	(void)state;
	text_adds(&in, H);
	for (int i = 0; i < DIALECT_CALLS_MAX; i++)
		text_adds(&in, "H.lookup(");
	assert_int_equal(dialect_translate(in.data, in.len, &out, &err), 0);
	text_adds(&in, "H.lookup(");
	assert_int_equal(dialect_translate(in.data, in.len, &out, &err), -EBADMSG);
	assert_string_equal(error_message(&err),
			    "<code>:1: error: method calls are nested more than 64 deep");
}

static void test_too_many_maps(void **state)
{
	_cleanup_text_ struct text in = {}, out = {};
	_cleanup_error_ struct error err = {};

	(void)state;
	for (int i = 0; i < DIALECT_MAPS_MAX; i++)
		text_printf(&in, "dynmon_table(\"hash\", M%d, K, V, 1, 0)\n", i);
	assert_int_equal(dialect_translate(in.data, in.len, &out, &err), 0);
	text_adds(&in, H);
	assert_int_equal(dialect_translate(in.data, in.len, &out, &err), -EBADMSG);
	assert_string_equal(error_message(&err), "<code>:257: error: more than 256 maps");
}

/* Every prefix of the input in memory of the exact size. */
static void test_truncated(void **state)
{
	static const char whole[] =
		"# 3 \"a\\\"b\" 1\n" A H "\\\r\nif (A.lookup(H.lookup(&k))) /* */ "
		"x = 0x1e+3 + .5 + 'a' + \"b\\n\"; // c\\\n d\n#define a \\\n b\n";

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		_cleanup_text_ struct text out = {};
		_cleanup_free_ char *exact = malloc(len ? len : 1);

		memcpy(exact, whole, len);
		dialect_translate(exact, len, &out, NULL);
		dialect_detect(exact, len);
	}
}

static const struct {
	const char *name, *in;
	enum dialect_kind kind;
} kinds[] = {
	{ "empty", "", DIALECT_NONE },
	{ "neither", "int main(void) { return 0; }", DIALECT_NONE },
	{ "dialect", "static int handle_rx(struct CTXTYPE *c) { }", DIALECT_DYNMON },
	{ "libbpf", "SEC(\"tc\") int f(void *c) { }", DIALECT_LIBBPF },
	{ "space before the parenthesis", "SEC\n (\"tc\")", DIALECT_LIBBPF },
	{ "both", "int handle_rx; SEC(\"tc\") int f;", DIALECT_LIBBPF },
	{ "SEC without a parenthesis", "int SEC; int handle_rx;", DIALECT_DYNMON },
	{ "SEC in a comment", "/* SEC(\"tc\") */ // SEC(\"x\")\nint handle_rx;", DIALECT_DYNMON },
	{ "SEC in a string", "char *s = \"SEC(\\\"tc\\\")\"; int handle_rx;", DIALECT_DYNMON },
	{ "SEC in a directive", "#define X SEC(\"tc\")\nint handle_rx;", DIALECT_DYNMON },
	{ "a longer name", "int handle_rx_wrapper, my_handle_rx, SECT(x);", DIALECT_NONE },
	{ "handle_rx in a comment", "/* handle_rx */", DIALECT_NONE },
	{ "handle_rx in a string", "\"handle_rx\"", DIALECT_NONE },
	{ "an apostrophe in a directive", "#error don't\nint handle_rx;", DIALECT_DYNMON },
	{ "an apostrophe alone", "' \nint handle_rx;", DIALECT_DYNMON },
	{ "CRLF", "\r\n#define A \\\r\n 'x\r\nint handle_rx(void)\r\n{}\r\n", DIALECT_DYNMON },
};

static void test_detect(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (dialect_detect(kinds[i].in, strlen(kinds[i].in)) != kinds[i].kind)
			fail_msg("%s: not kind %d", kinds[i].name, kinds[i].kind);
}

static const struct {
	enum token_kind kind;
	const char *text;
	unsigned int line;
} tokens[] = {
	{ TOKEN_IDENT, "a_1", 1 },     { TOKEN_PUNCT, "->", 1 },	{ TOKEN_IDENT, "$b", 1 },
	{ TOKEN_NUMBER, "0x1e+3", 2 }, { TOKEN_NUMBER, ".5", 2 },	{ TOKEN_PUNCT, ".", 2 },
	{ TOKEN_NUMBER, "1e-9f", 2 },  { TOKEN_PUNCT, "-", 2 },		{ TOKEN_NUMBER, "1", 2 },
	{ TOKEN_CHAR, "'\\''", 4 },    { TOKEN_STRING, "\"\\\"\"", 4 }, { TOKEN_IDENT, "L", 4 },
	{ TOKEN_STRING, "\"x\"", 4 },  { TOKEN_STRING, "\"open", 4 },	{ TOKEN_IDENT, "end", 5 },
};

static void test_lex(void **state)
{
	static const char in[] = "a_1->$b\n0x1e+3 .5 . 1e-9f-1 /* \n */ //\n'\\'' \"\\\"\" "
				 "L\"x\"\"open\nend";
	struct lexer lex;
	struct token tok;

	(void)state;
	lexer_init(&lex, in, sizeof(in) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		assert_true(lexer_next(&lex, &tok));
		assert_int_equal(tok.kind, tokens[i].kind);
		assert_int_equal(tok.len, strlen(tokens[i].text));
		assert_memory_equal(tok.at, tokens[i].text, tok.len);
		assert_int_equal(tok.line, tokens[i].line);
	}
	assert_false(lexer_next(&lex, &tok));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_translate),     cmocka_unit_test(test_errors),
		cmocka_unit_test(test_too_many_maps), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_too_deep),      cmocka_unit_test(test_detect),
		cmocka_unit_test(test_lex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
