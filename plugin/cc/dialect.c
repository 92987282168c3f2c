/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/dialect.h"

#include "cc/lex.h"

#include <errno.h>
#include <stdarg.h>

/*
 * The markers that dynmon/dialect.h emits, with their map types. dynmon/methods.h must define a
 * macro MARKER_TYPE for every type, and dynmon_METHOD for every method.
 */
static const struct marker {
	const char *name;
	const char *types[12]; /* NULL after the last */
} markers[] = {
	{ "dynmon_table",
	  { "hash", "array", "percpu_hash", "percpu_array", "lru_hash", "lru_percpu_hash",
	    "lpm_trie", "histogram", "prog", "perf_output", "extern" } },
	{ "dynmon_queue", { "queue", "stack", "extern" } },
};

static const char *const methods[] = {
	"lookup",
	"lookup_or_init",
	"lookup_or_try_init",
	"update",
	"insert",
	"delete",
	"increment",
	"atomic_increment",
	"push",
	"pop",
	"peek",
	"call",
	"perf_submit",
	"perf_submit_skb",
	NULL,
};

struct translation {
	struct lexer lex;
	const char *copied; /* end of the source that was copied or replaced so far */
	struct text *out;
	struct error *err;
	struct token maps[DIALECT_MAPS_MAX]; /* names of the maps declared so far */
	size_t maps_count;
	unsigned int depth;		       /* number of open brackets of all kinds */
	unsigned int calls[DIALECT_CALLS_MAX]; /* depth inside each open method call */
	size_t calls_count;
};

/* Sets an error with file and line of tok. Returns -EBADMSG or -ENOMEM. */
static int source_error(struct translation *t, const struct token *tok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int source_error(struct translation *t, const struct token *tok, const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL;
	const char *file = t->lex.file ? t->lex.file : "<code>";
	int file_len = t->lex.file ? (int)t->lex.file_len : 6;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&message, fmt, ap);
	va_end(ap);
	if (n < 0) {
		message = NULL;
		return error_oom(t->err);
	}
	return error_set(t->err, -EBADMSG, "%.*s:%u: error: %s", file_len, file, tok->line,
			 message);
}

/* Copies the source from the end of the last copy up to here. */
static void copy_until(struct translation *t, const char *here)
{
	text_add(t->out, t->copied, (size_t)(here - t->copied));
	t->copied = here;
}

/* Returns the element of a NULL-terminated list that equals word, or NULL. */
static const char *list_find(const char *const *list, const char *word, size_t len)
{
	for (; *list; list++)
		if (strlen(*list) == len && !memcmp(*list, word, len))
			return *list;
	return NULL;
}

static const char *list_join(const char *const *list, struct text *names)
{
	for (; *list; list++)
		text_printf(names, "%s%s", names->len ? ", " : "", *list);
	return text_str(names);
}

static const struct token *map_find(const struct translation *t, const struct token *name)
{
	for (size_t i = 0; i < t->maps_count; i++)
		if (t->maps[i].len == name->len && !memcmp(t->maps[i].at, name->at, name->len))
			return &t->maps[i];
	return NULL;
}

static int map_add(struct translation *t, const struct token *name)
{
	const struct token *same = map_find(t, name);

	if (same)
		return source_error(t, name, "map '%.*s' is declared twice, first in line %u",
				    (int)name->len, name->at, same->line);
	if (t->maps_count == DIALECT_MAPS_MAX)
		return source_error(t, name, "more than %d maps", DIALECT_MAPS_MAX);
	t->maps[t->maps_count++] = *name;
	return 0;
}

/* The tokens after a marker: (TYPE, NAME */
struct map_head {
	struct token open, type, comma, name;
};

static bool map_head_read(struct lexer *lex, struct map_head *head)
{
	return lexer_next(lex, &head->open) && token_is(&head->open, "(") &&
	       lexer_next(lex, &head->type) && head->type.kind == TOKEN_STRING &&
	       lexer_next(lex, &head->comma) && token_is(&head->comma, ",") &&
	       lexer_next(lex, &head->name) && head->name.kind == TOKEN_IDENT;
}

/* Replaces marker("type", NAME by marker_type(NAME and records the name of the map. */
static int map_translate(struct translation *t, const struct marker *marker,
			 const struct token *word)
{
	_cleanup_text_ struct text names = {};
	struct map_head head;
	const char *type = NULL;

	if (!map_head_read(&t->lex, &head))
		return source_error(t, word,
				    "a map needs a type in quotes, as in \"%s\", and a name",
				    marker->types[0]);
	if (head.type.len >= 2)
		type = list_find(marker->types, head.type.at + 1, head.type.len - 2);
	if (!type)
		return source_error(t, word, "map '%.*s' has the unknown type %.*s; known are %s",
				    (int)head.name.len, head.name.at, (int)head.type.len,
				    head.type.at, list_join(marker->types, &names));
	copy_until(t, word->at + word->len);
	text_printf(t->out, "_%s", type);
	copy_until(t, head.type.at);
	t->copied = head.type.at + head.type.len;
	copy_until(t, head.comma.at);
	t->copied = head.comma.at + head.comma.len;
	t->depth++;
	return map_add(t, &head.name);
}

/* Replaces NAME.method( by dynmon_method(NAME,( and keeps the text between the tokens. */
static int method_translate(struct translation *t, const struct token *name)
{
	_cleanup_text_ struct text names = {};
	struct lexer ahead = t->lex;
	struct token dot, word, open;
	const char *method;

	if (!lexer_next(&ahead, &dot) || !token_is(&dot, ".") || !lexer_next(&ahead, &word) ||
	    word.kind != TOKEN_IDENT || !lexer_next(&ahead, &open) || !token_is(&open, "("))
		return 0;
	method = list_find(methods, word.at, word.len);
	if (!method)
		return source_error(t, &word, "map '%.*s' has no method '%.*s'; methods are %s",
				    (int)name->len, name->at, (int)word.len, word.at,
				    list_join(methods, &names));
	if (t->calls_count == DIALECT_CALLS_MAX)
		return source_error(t, &word, "method calls are nested more than %d deep",
				    DIALECT_CALLS_MAX);
	copy_until(t, name->at);
	text_printf(t->out, "dynmon_%s(", method);
	copy_until(t, dot.at);
	t->copied = dot.at + dot.len;
	copy_until(t, word.at);
	t->copied = word.at + word.len;
	copy_until(t, open.at);
	text_adds(t->out, ",(");
	t->copied = open.at + open.len;
	t->calls[t->calls_count++] = ++t->depth;
	t->lex = ahead;
	return 0;
}

/*
 * Counts brackets, and encloses each argument of a method call in parentheses: without them, a
 * macro would treat the comma in &(struct key){ 1, 2 } as a separator of arguments.
 */
static void bracket_translate(struct translation *t, const struct token *tok)
{
	bool in_call = t->calls_count && t->calls[t->calls_count - 1] == t->depth;

	if (tok->kind != TOKEN_PUNCT)
		return;
	if (memchr("([{", *tok->at, 3)) {
		t->depth++;
	} else if (memchr(")]}", *tok->at, 3)) {
		if (in_call) {
			copy_until(t, tok->at);
			text_addc(t->out, ')');
			t->calls_count--;
		}
		t->depth -= t->depth > 0;
	} else if (*tok->at == ',' && in_call) {
		copy_until(t, tok->at);
		text_adds(t->out, "),(");
		t->copied = tok->at + tok->len;
	}
}

static const struct marker *marker_find(const struct token *tok)
{
	for (size_t i = 0; i < ARRAY_SIZE(markers); i++)
		if (token_is(tok, markers[i].name))
			return &markers[i];
	return NULL;
}

int dialect_translate(const char *source, size_t len, struct text *out, struct error *err)
{
	struct translation t = { .copied = source, .out = out, .err = err };
	bool member = false; /* the token before was . or ->: a name is a field */
	struct token tok;

	lexer_init(&t.lex, source, len);
	while (lexer_next(&t.lex, &tok)) {
		const struct marker *marker = marker_find(&tok);
		int r = 0;

		if (marker)
			r = map_translate(&t, marker, &tok);
		else if (tok.kind == TOKEN_IDENT && !member && map_find(&t, &tok))
			r = method_translate(&t, &tok);
		else
			bracket_translate(&t, &tok);
		if (r < 0)
			return r;
		member = token_is(&tok, ".") || token_is(&tok, "->");
	}
	copy_until(&t, source + len);
	return text_status(out) < 0 ? error_oom(err) : 0;
}

enum dialect_kind dialect_detect(const char *source, size_t len)
{
	enum dialect_kind kind = DIALECT_NONE;
	bool after_sec = false;
	struct lexer lex;
	struct token tok;

	lexer_init(&lex, source, len);
	while (lexer_next(&lex, &tok)) {
		if (after_sec && token_is(&tok, "("))
			return DIALECT_LIBBPF;
		after_sec = token_is(&tok, "SEC");
		if (token_is(&tok, "handle_rx"))
			kind = DIALECT_DYNMON;
	}
	return kind;
}
