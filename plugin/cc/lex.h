/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * C, cut into tokens.
 *
 * Works on preprocessed and on raw source. White space, comments and directives are skipped;
 * whoever rewrites the text copies what lies between two tokens as it is. Line markers
 * (# 12 "file") are followed. Nothing is allocated and no input is an error: an unterminated
 * string ends with its line, a byte that starts nothing is a PUNCT.
 */
#ifndef DYNMON_CC_LEX_H
#define DYNMON_CC_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind { TOKEN_IDENT, TOKEN_NUMBER, TOKEN_STRING, TOKEN_CHAR, TOKEN_PUNCT };

struct token {
	enum token_kind kind;
	const char *at; /* in the source; len bytes, quotes included */
	size_t len;
	unsigned int line; /* as line markers count, from 1 */
};

/* May be copied to look ahead. */
struct lexer {
	const char *at, *end;
	bool line_start; /* nothing but white space on this line so far */
	unsigned int line;
	const char *file; /* as in the last line marker, without quotes; NULL before the first */
	size_t file_len;
};

/* The source stays the caller's and must outlive the lexer and its tokens. */
void lexer_init(struct lexer *lex, const char *source, size_t len);

/* Returns false at the end of the source; tok is then untouched. */
bool lexer_next(struct lexer *lex, struct token *tok);

/* Is tok this one-character punctuation, or this identifier? */
bool token_is(const struct token *tok, const char *words);

#endif
