/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/lex.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void lexer_init(struct lexer *lex, const char *source, size_t len)
{
	*lex = (struct lexer){ .at = source, .end = source + len, .line_start = true, .line = 1 };
}

static size_t left(const struct lexer *lex)
{
	return (size_t)(lex->end - lex->at);
}

static char peek(const struct lexer *lex, size_t ahead)
{
	return ahead < left(lex) ? lex->at[ahead] : '\0';
}

static bool is_ident(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static void skip_newline(struct lexer *lex)
{
	lex->at++;
	lex->line++;
	lex->line_start = true;
}

static void skip_comment(struct lexer *lex)
{
	for (lex->at += 2; lex->at < lex->end; lex->at++) {
		if (*lex->at == '\n')
			lex->line++;
		if (*lex->at == '*' && peek(lex, 1) == '/') {
			lex->at += 2;
			return;
		}
	}
}

/* Returns the end of the line. Skips newlines after a backslash, also with a carriage return. */
static const char *lex_line_end(const struct lexer *lex, const char *from)
{
	for (;;) {
		const char *nl = memchr(from, '\n', (size_t)(lex->end - from));
		const char *last = nl ? nl - 1 : NULL;

		if (!nl)
			return lex->end;
		if (last > lex->at && *last == '\r')
			last--;
		if (last < lex->at || *last != '\\')
			return nl;
		from = nl + 1;
	}
}

static void skip_line(struct lexer *lex, const char *end)
{
	for (; lex->at < end; lex->at++)
		if (*lex->at == '\n')
			lex->line++;
}

/*
 * Parses # 12 "file" flags or #line 12 "file", and sets line (the number of the next line) and
 * file. Returns false for other directives.
 */
static bool line_marker(struct lexer *lex, const char *end)
{
	const char *at = lex->at + 1, *quote;
	unsigned long line = 0;

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if (memmem(at, (size_t)(end - at), "line ", 5) == at)
		at += 5;
	if (at == end || !isdigit((unsigned char)*at))
		return false;
	for (; at < end && isdigit((unsigned char)*at); at++)
		line = line < 1000000000 ? line * 10 + (unsigned long)(*at - '0') : line;
	lex->line = (unsigned int)line;
	at = memchr(at, '"', (size_t)(end - at));
	quote = at ? memrchr(at + 1, '"', (size_t)(end - at - 1)) : NULL;
	if (quote) {
		lex->file = at + 1;
		lex->file_len = (size_t)(quote - at - 1);
	}
	return true;
}

static void skip_directive(struct lexer *lex)
{
	const char *end = lex_line_end(lex, lex->at);

	if (!line_marker(lex, end)) {
		skip_line(lex, end);
		return;
	}
	lex->at = end;
	if (lex->at < lex->end)
		lex->at++; /* not counted: the marker sets the number of the next line */
	lex->line_start = true;
}

/* Skips to the next token or the end of the source. */
static void skip_space(struct lexer *lex)
{
	while (lex->at < lex->end) {
		char c = *lex->at;

		if (c == '\n')
			skip_newline(lex);
		else if (c == '/' && peek(lex, 1) == '*')
			skip_comment(lex);
		else if (c == '/' && peek(lex, 1) == '/')
			skip_line(lex, lex_line_end(lex, lex->at));
		else if (c == '#' && lex->line_start)
			skip_directive(lex);
		else if (isspace((unsigned char)c) || (c == '\\' && peek(lex, 1) == '\n'))
			lex->at++;
		else
			return;
	}
}

/* Skips a string or character constant. An unterminated one ends at the end of its line. */
static void skip_quoted(struct lexer *lex, char quote)
{
	for (lex->at++; lex->at < lex->end && *lex->at != '\n'; lex->at++) {
		if (*lex->at == quote) {
			lex->at++;
			return;
		}
		if (*lex->at == '\\' && lex->end - lex->at > 1) {
			lex->at++;
			if (*lex->at == '\n')
				lex->line++;
		}
	}
}

/* Skips a preprocessing number: 12, 0x1fULL, 1e+9, .5. */
static void skip_number(struct lexer *lex)
{
	for (char before = 0; lex->at < lex->end; before = *lex->at++) {
		char c = *lex->at;

		if (is_ident(c) || c == '.')
			continue;
		if ((c == '+' || c == '-') && before && strchr("eEpP", before))
			continue;
		return;
	}
}

bool lexer_next(struct lexer *lex, struct token *tok)
{
	char c;

	skip_space(lex);
	if (lex->at == lex->end)
		return false;
	c = *lex->at;
	lex->line_start = false;
	tok->at = lex->at;
	tok->line = lex->line;
	if (c == '"' || c == '\'') {
		tok->kind = c == '"' ? TOKEN_STRING : TOKEN_CHAR;
		skip_quoted(lex, c);
	} else if (isdigit((unsigned char)c) ||
		   (c == '.' && isdigit((unsigned char)peek(lex, 1)))) {
		tok->kind = TOKEN_NUMBER;
		skip_number(lex);
	} else if (is_ident(c)) {
		tok->kind = TOKEN_IDENT;
		while (lex->at < lex->end && is_ident(*lex->at))
			lex->at++;
	} else {
		tok->kind = TOKEN_PUNCT;
		lex->at += c == '-' && peek(lex, 1) == '>' ? 2 : 1;
	}
	tok->len = (size_t)(lex->at - tok->at);
	return true;
}

bool token_is(const struct token *tok, const char *expected)
{
	return (tok->kind == TOKEN_PUNCT || tok->kind == TOKEN_IDENT) &&
	       strlen(expected) == tok->len && !memcmp(expected, tok->at, tok->len);
}
