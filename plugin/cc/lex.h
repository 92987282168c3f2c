/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lexer for C.
 *
 * Accepts preprocessed and raw source. The lexer skips white space, comments and directives; a
 * translator copies the text between two tokens unchanged. Line markers (# 12 "file") set the line
 * number and the file. The lexer allocates no memory and rejects no input: an unterminated string
 * ends at the end of its line, and an unknown byte is a TOKEN_PUNCT.
 */
#ifndef DYNMON_CC_LEX_H
#define DYNMON_CC_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind { TOKEN_IDENT, TOKEN_NUMBER, TOKEN_STRING, TOKEN_CHAR, TOKEN_PUNCT };

struct token {
	enum token_kind kind;
	const char *at; /* len bytes in the source, including quotes */
	size_t len;
	unsigned int line; /* from 1; line markers change the count */
};

/* State of a lexer. Copy the structure to look ahead. */
struct lexer {
	const char *at, *end;
	bool line_start; /* only white space before at on this line */
	unsigned int line;
	const char *file; /* of the last line marker, without quotes; NULL before it */
	size_t file_len;
};

/* Initializes a lexer. The source is borrowed and must outlive the lexer and its tokens. */
void lexer_init(struct lexer *lex, const char *source, size_t len);

/* Reads the next token. Returns false at the end of the source and leaves tok unchanged. */
bool lexer_next(struct lexer *lex, struct token *tok);

/* Returns true if tok is the punctuation or identifier expected. */
bool token_is(const struct token *tok, const char *expected);

#endif
