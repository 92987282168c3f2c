/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing byte buffer, with fast formatting of numbers and JSON strings.
 *
 * A text is embedded in its owner: zero it, append, call text_release(). Append functions do not
 * return errors. When memory runs out, the contents stay unchanged and text->failed is set; later
 * appends may be lost. The owner checks text_status() once at the end. A text is used by one thread
 * at a time.
 */
#ifndef DYNMON_BASE_TEXT_H
#define DYNMON_BASE_TEXT_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *data; /* owned; not NUL-terminated, see text_str() */
	size_t len;
	size_t size; /* allocated bytes, without the byte for the NUL */
	bool failed; /* an append failed; sticky */
};

/* Slow path of text_reserve(); do not call it directly. */
char *text_grow(struct text *text, size_t n);

/**
 * text_reserve() - make room for more bytes
 * @text:  the text
 * @n:     number of bytes
 *
 * The caller writes up to @n bytes and adds their number to text->len.
 *
 * Return: the address of the free space, valid until the next call; NULL if memory ran out.
 */
static inline char *text_reserve(struct text *text, size_t n)
{
	if (__builtin_expect(text->size - text->len >= n && text->data, 1))
		return text->data + text->len;
	return text_grow(text, n);
}

/* Appends n bytes, which must not be part of the text itself. */
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

/* Append a decimal number. */
void text_u64(struct text *text, uint64_t value);
void text_i64(struct text *text, int64_t value);
void text_u128(struct text *text, unsigned __int128 value);

/*
 * Appends a decimal that reads back as the same double, with as few digits as needed. Writes NaN,
 * +Inf and -Inf as OpenMetrics does. Independent of the locale.
 */
void text_double(struct text *text, double value);

/* Appends n bytes as lower-case hexadecimal digits. */
void text_hex(struct text *text, const void *bytes, size_t n);

/*
 * Appends n bytes as a JSON string with quotes. Valid UTF-8 is kept. Each byte that is not part of
 * a valid sequence becomes \u00XX, so that the result is always valid JSON.
 */
void text_json(struct text *text, const char *bytes, size_t n);

/* Appends n bytes, converted by utf8_show() for a terminal or log. Keeps newlines and tabs. */
void text_show(struct text *text, const char *bytes, size_t n, bool utf8);

/**
 * text_name() - append a name as valid UTF-8
 * @text:   text to append to
 * @bytes:  the name, any bytes
 * @n:      number of bytes
 *
 * Valid UTF-8 is kept, except NUL and carriage return, which some formats cannot represent. These
 * two and all invalid bytes become \xNN. A backslash that would begin an escape becomes \x5c, so
 * that different names stay different, also after utf8_show().
 */
void text_name(struct text *text, const char *bytes, size_t n);

/*
 * Appends a name, converted by text_name(), as a JSON string. Unlike text_json(), different names
 * give different strings.
 */
void text_json_name(struct text *text, const char *name);

/* Returns 0, or -ENOMEM if any append failed since the text was zeroed. */
int text_status(const struct text *text);

/*
 * Returns the contents with a terminating NUL, also after a failed append. Never NULL; valid until
 * the next append.
 */
const char *text_str(struct text *text);

/*
 * Returns the contents as a string that the caller frees with free(), and empties the text. Returns
 * NULL if an append failed or memory ran out.
 */
char *text_steal(struct text *text);

/* Returns true if both texts have the same bytes. */
static inline bool text_equal(const struct text *a, const struct text *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

/* Empties the text. Keeps its memory and the failed flag. */
static inline void text_clear(struct text *text)
{
	text->len = 0;
}

/* Frees the memory and zeroes the text, which can then be used again. */
void text_release(struct text *text);

#define _cleanup_text_ _cleanup_(text_release)

#endif
