/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rest_path.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>

/*
 * Returns the decoded string, to be freed by the caller. NULL if the string is invalid or memory
 * ran out.
 */
static char *decode(const char *from, size_t len)
{
	_cleanup_free_ char *to = malloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; to && i < len; i++) {
		char hex[3] = "";

		if (from[i] != '%') {
			to[n++] = from[i];
			continue;
		}
		if (i + 2 < len && isxdigit((unsigned char)from[i + 1]) &&
		    isxdigit((unsigned char)from[i + 2]))
			memcpy(hex, from + i + 1, 2);
		to[n] = (char)strtoul(hex, NULL, 16);
		if (!to[n++]) /* not two digits, or NUL */
			return NULL;
		i += 2;
	}
	if (!to || !utf8_is_valid(to, n))
		return NULL;
	to[n] = '\0';
	return steal_ptr(&to);
}

int rest_path_parse(struct rest_path *path, const char *uri, struct error *err)
{
	const char *at = uri, *end = uri + strcspn(uri, "?");

	*path = (struct rest_path){ .len = (size_t)(end - uri) };
	if (path->len > REST_URI_MAX)
		return error_set(err, -E2BIG, "path: %zu bytes exceed the limit of %d", path->len,
				 REST_URI_MAX);
	at += strspn(at, "/");
	/* The prefix is recognized with repeated slashes, too. */
	if (!strncmp(at, "polycube", 8) && at[8] == '/') {
		const char *version = at + 8 + strspn(at + 8, "/");

		if (!strncmp(version, "v1", 2) && (version + 2 == end || version[2] == '/')) {
			path->prefixed = true;
			at = version + 2 + strspn(version + 2, "/");
		}
	}
	path->rest_at = (size_t)(at - uri);
	while (at < end) {
		size_t len = strcspn(at, "/?");

		if (path->n == REST_WORDS_MAX) {
			rest_path_release(path);
			return error_set(err, -E2BIG, "path: more than %d words", REST_WORDS_MAX);
		}
		path->words[path->n] = decode(at, len);
		if (!path->words[path->n++]) {
			rest_path_release(path);
			return error_set(err, -EINVAL,
					 "path: expected UTF-8 and %%XX, found \"%.*s\"",
					 (int)(len > 60 ? 60 : len), at);
		}
		at += len;
		at += strspn(at, "/");
	}
	return 0;
}

void rest_path_release(struct rest_path *path)
{
	for (size_t i = 0; i < path->n; i++)
		free(path->words[i]);
	*path = (struct rest_path){};
}

char *rest_query(const char *uri, const char *name)
{
	size_t name_len = strlen(name);
	const char *at = strchr(uri, '?');

	while (at && *at) {
		size_t len = strcspn(++at, "&");

		if (len >= name_len && !strncmp(at, name, name_len)) {
			if (len == name_len)
				return strdup("");
			if (at[name_len] == '=')
				return decode(at + name_len + 1, len - name_len - 1);
		}
		at += len;
	}
	return NULL;
}

void rest_path_add(struct text *path, const char *word)
{
	static const char plain[] = "-._~!$'()*+,;=:@";

	for (; *word; word++)
		if (isalnum((unsigned char)*word) || strchr(plain, *word))
			text_addc(path, *word);
		else
			text_printf(path, "%%%02X", (unsigned char)*word);
}

/* Returns true if a word is one of "a|b", or if the pattern is ":x". */
static bool word_matches(const char *word, const char *pattern, size_t len)
{
	if (*pattern == ':')
		return true;
	for (const char *end = pattern + len; pattern <= end;) {
		size_t n = strcspn(pattern, "|/");

		if (strlen(word) == n && !strncmp(word, pattern, n))
			return true;
		pattern += n + 1;
	}
	return false;
}

bool rest_path_matches(const struct rest_path *path, const char *pattern)
{
	size_t i = 0;

	for (; *pattern && i < path->n; i++) {
		size_t len = strcspn(pattern, "/");

		if (*pattern == '*')
			return true;
		if (!word_matches(path->words[i], pattern, len))
			return false;
		pattern += len;
		pattern += *pattern == '/';
	}
	return !*pattern && i == path->n;
}
