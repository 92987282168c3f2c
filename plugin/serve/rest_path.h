/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path and the query of a request, taken apart. */
#ifndef DYNMON_SERVE_REST_PATH_H
#define DYNMON_SERVE_REST_PATH_H

#include "base/error.h"
#include "base/text.h"

#define REST_PREFIX    "/polycube/v1"
#define REST_URI_MAX   8192 /* bytes */
#define REST_WORDS_MAX 16

/* Zeroed is empty; rest_path_release(). */
struct rest_path {
	bool prefixed;	/* REST_PREFIX stood before */
	size_t rest_at; /* where in the URI the first word begins, or its path ends */
	size_t len;	/* of the URI's path, without the query */
	char *words[REST_WORDS_MAX];
	size_t n;
};

/*
 * Splits at slashes, of which several stand for one, and decodes %XX. -EINVAL: a wrong %XX, a NUL,
 * or what is not UTF-8; -E2BIG: too long, or too many words.
 */
int rest_path_parse(struct rest_path *path, const char *uri, struct error *err);
void rest_path_release(struct rest_path *path);

/*
 * The value of a name in a URI's query, decoded; the caller frees it. NULL: it is not there, or
 * cannot be decoded.
 */
char *rest_query(const char *uri, const char *name);

/* Appends a word so that rest_path_parse() gives it back. */
void rest_path_add(struct text *path, const char *word);

/*
 * Whether the words are as a pattern says: words with slashes between; "a|b" is one of several,
 * ":x" any word, and "*" at the end one word or more.
 */
bool rest_path_matches(const struct rest_path *path, const char *pattern);

#endif
