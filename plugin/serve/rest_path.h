/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parsed path and query of a request. */
#ifndef DYNMON_SERVE_REST_PATH_H
#define DYNMON_SERVE_REST_PATH_H

#include "base/error.h"
#include "base/text.h"

#define REST_PREFIX    "/polycube/v1"
#define REST_URI_MAX   8192 /* bytes */
#define REST_WORDS_MAX 16

/* A zeroed path is empty. The owner calls rest_path_release(). */
struct rest_path {
	bool prefixed;	/* the path has REST_PREFIX */
	size_t rest_at; /* offset of the first word in the URI, or of the end of the path */
	size_t len;	/* of the path in the URI, without the query */
	char *words[REST_WORDS_MAX];
	size_t n;
};

/**
 * rest_path_parse() - split and decode the path of a URI
 * @path:  receives the words; repeated and trailing slashes are ignored, and %XX is decoded
 * @uri:   as received
 *
 * Return: 0; -EINVAL for an invalid %XX, a NUL or invalid UTF-8; -E2BIG for too many bytes or
 * words.
 */
int rest_path_parse(struct rest_path *path, const char *uri, struct error *err);
void rest_path_release(struct rest_path *path);

/**
 * rest_query() - get a parameter from the query of a URI
 *
 * Return: the decoded value, to be freed by the caller; "" for a name without "="; NULL if the
 * parameter is missing or cannot be decoded.
 */
char *rest_query(const char *uri, const char *name);

/* Appends a word, encoded for rest_path_parse(). */
void rest_path_add(struct text *path, const char *word);

/**
 * rest_path_matches() - compare a path with a pattern
 * @pattern:  words separated by slashes. "a|b" is one of several words, ":x" is any word, and "*"
 * at the end is one word or more.
 *
 * Return: true if the complete path matches.
 */
bool rest_path_matches(const struct rest_path *path, const char *pattern);

#endif
