/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing buffer of bytes, and the fast way of numbers and JSON strings into it.
 *
 * Embedded in its owner: zero it, append, text_release(). Appending never fails in the
 * caller's face: when memory runs out the buffer stays as it is, text->failed is set,
 * and the owner looks once at the end (text_status()). Not for use by several threads.
 */
#ifndef DYNMON_BASE_TEXT_H
#define DYNMON_BASE_TEXT_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *data; /* owned, not terminated: see text_str() */
	size_t len;
	size_t size; /* without the byte for the NUL */
	bool failed;
};

/* Makes room for n more bytes. Returns where they go, or NULL when memory ran out. */
char *text_grow(struct text *text, size_t n);

static inline char *text_reserve(struct text *text, size_t n)
{
	if (__builtin_expect(text->size - text->len >= n && text->data, 1))
		return text->data + text->len;
	return text_grow(text, n);
}

static inline void text_add(struct text *text, const void *bytes, size_t n)
{
	char *to = text_reserve(text, n);

	if (to && n) {
		memcpy(to, bytes, n);
		text->len += n;
	}
}

static inline void text_adds(struct text *text, const char *s)
{
	text_add(text, s, strlen(s));
}

static inline void text_addc(struct text *text, char c)
{
	text_add(text, &c, 1);
}

void text_printf(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Decimal numbers. */
void text_u64(struct text *text, uint64_t value);
void text_i64(struct text *text, int64_t value);
void text_u128(struct text *text, unsigned __int128 value);

/*
 * The shortest decimal that reads back as the same double; NaN, +Inf and -Inf as OpenMetrics
 * writes them. Independent of the locale.
 */
void text_double(struct text *text, double value);

/* n bytes as lower case hexadecimal digits. */
void text_hex(struct text *text, const void *bytes, size_t n);

/*
 * n bytes as a JSON string with its quotes. Valid UTF-8 is kept; each byte that is not
 * part of a valid sequence becomes \u00XX, so that the result is always valid.
 */
void text_json(struct text *text, const char *bytes, size_t n);

/* Appends a name as a JSON string in the form of utf8_name(): different names stay different. */
void text_json_name(struct text *text, const char *name);

/* 0, or -ENOMEM when an append failed. */
int text_status(const struct text *text);

/*
 * The contents as a string of text->len bytes, also after a failed append; never NULL. Valid until
 * the next append.
 */
const char *text_str(struct text *text);

/* Gives the contents away as a string that the caller frees; NULL when memory ran out. */
char *text_steal(struct text *text);

/* Empties the buffer and keeps its memory. */
static inline void text_clear(struct text *text)
{
	text->len = 0;
}

void text_release(struct text *text);

#define _cleanup_text_ _cleanup_(text_release)

#endif
