/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"
#include "base/buffer.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* Returns the allocated size, including the byte for the NUL. */
static size_t text_bytes(const struct text *text)
{
	return text->data ? text->size + 1 : 0;
}

char *text_grow(struct text *text, size_t n)
{
	/* Allocate one byte more than text->size for the NUL, so that text_str() cannot fail. */
	size_t size = text->size ? text->size + 1 : 256;
	char *data;

	if (text->failed)
		return NULL;
	if (n > SIZE_MAX / 4 || text->len > SIZE_MAX / 4) {
		text->failed = true;
		return NULL;
	}
	while (size - 1 - text->len < n)
		size *= 2;
	data = buffer_resize(text->data, text_bytes(text), size);
	if (!data) {
		text->failed = true;
		return NULL;
	}
	text->data = data;
	text->size = size - 1;
	return data + text->len;
}

void text_printf(struct text *text, const char *fmt, ...)
{
	va_list ap, again;
	char *to = text_reserve(text, 128);
	int n;

	if (!to)
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(to, text->size - text->len, fmt, ap);
	if (n >= 0 && (size_t)n >= text->size - text->len) {
		to = text_reserve(text, (size_t)n + 1);
		n = to ? vsnprintf(to, (size_t)n + 1, fmt, again) : -1;
	}
	if (n > 0)
		text->len += (size_t)n;
	va_end(again);
	va_end(ap);
}

static const char digit_pairs[201] = "00010203040506070809"
				     "10111213141516171819"
				     "20212223242526272829"
				     "30313233343536373839"
				     "40414243444546474849"
				     "50515253545556575859"
				     "60616263646566676869"
				     "70717273747576777879"
				     "80818283848586878889"
				     "90919293949596979899";

void text_u64(struct text *text, uint64_t value)
{
	char digits[20], *at = digits + sizeof(digits);

	while (value >= 100) {
		at -= 2;
		memcpy(at, digit_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(at, digit_pairs + value * 2, 2);
	} else {
		*--at = (char)('0' + value);
	}
	text_add(text, at, (size_t)(digits + sizeof(digits) - at));
}

void text_i64(struct text *text, int64_t value)
{
	if (value < 0) {
		text_addc(text, '-');
		text_u64(text, -(uint64_t)value);
	} else {
		text_u64(text, (uint64_t)value);
	}
}

void text_u128(struct text *text, unsigned __int128 value)
{
	const uint64_t chunk = 10000000000000000000ULL; /* 10^19 */
	char digits[20];

	if (value <= UINT64_MAX) {
		text_u64(text, (uint64_t)value);
		return;
	}
	text_u128(text, value / chunk);
	snprintf(digits, sizeof(digits), "%019llu", (unsigned long long)(value % chunk));
	text_add(text, digits, 19);
}

void text_double(struct text *text, double value)
{
	char digits[32];
	int precision, n = 0;

	if (isnan(value)) {
		text_adds(text, "NaN");
		return;
	}
	if (isinf(value)) {
		text_adds(text, value < 0 ? "-Inf" : "+Inf");
		return;
	}
	if (value == trunc(value) && fabs(value) < 1e15 && !(value == 0 && signbit(value))) {
		text_i64(text, (int64_t)value);
		return;
	}
	/* Subnormal numbers can have fewer than 15 significant digits. */
	for (precision = fabs(value) < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
		n = snprintf(digits, sizeof(digits), "%.*g", precision, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	/* The decimal point depends on the locale and can have several bytes. */
	for (int i = 0, len; i < n; i += len) {
		len = (int)strcspn(digits + i, "0123456789+-eE");
		text_add(text, len ? "." : digits + i, 1);
		len = len ? len : 1;
	}
}

static const char hex_digits[] = "0123456789abcdef";

void text_hex(struct text *text, const void *bytes, size_t n)
{
	const unsigned char *from = bytes;
	char *to = text_reserve(text, 2 * n);

	if (!to)
		return;
	for (size_t i = 0; i < n; i++) {
		*to++ = hex_digits[from[i] >> 4];
		*to++ = hex_digits[from[i] & 15];
	}
	text->len += 2 * n;
}

static void json_escape(struct text *text, unsigned char c)
{
	static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = c ? strchr(special, c) : NULL;
	char escape[] = "\\u00XX";

	if (found) {
		text_addc(text, '\\');
		text_addc(text, letters[found - special]);
		return;
	}
	escape[4] = hex_digits[c >> 4];
	escape[5] = hex_digits[c & 15];
	text_add(text, escape, 6);
}

void text_json(struct text *text, const char *bytes, size_t n)
{
	size_t plain = 0, i = 0;

	text_addc(text, '"');
	while (i < n) {
		unsigned char c = (unsigned char)bytes[i];
		size_t len = c < 0x80 ? c >= 0x20 && c != '"' && c != '\\' && c != 0x7f
				      : utf8_sequence(bytes + i, n - i);

		if (len) {
			i += len;
			continue;
		}
		text_add(text, bytes + plain, i - plain);
		json_escape(text, c);
		plain = ++i;
	}
	text_add(text, bytes + plain, n - plain);
	text_addc(text, '"');
}

void text_show(struct text *out, const char *bytes, size_t n, bool utf8)
{
	for (size_t i = 0; i < n;) {
		char shown[UTF8_SHOWN_SIZE] = { bytes[i] };

		if (bytes[i] == '\n' || bytes[i] == '\t')
			i++;
		else
			i += utf8_show(bytes + i, n - i, utf8, shown);
		text_adds(out, shown);
	}
}

/* Returns true if the bytes after a backslash make it an escape. */
static bool begins_escape(const char *s, size_t n)
{
	size_t digits = n < 2 ? 0 : s[1] == 'x' ? 2 : s[1] == 'u' ? 4 : 0;

	if (!digits || n < 2 + digits)
		return false;
	for (size_t i = 0; i < digits; i++)
		if (!isxdigit((unsigned char)s[2 + i]))
			return false;
	return true;
}

void text_name(struct text *out, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = utf8_sequence(bytes + i, n - i);

		if (!len || bytes[i] == '\0' || bytes[i] == '\r' ||
		    (bytes[i] == '\\' && begins_escape(bytes + i, n - i))) {
			text_printf(out, "\\x%02x", (unsigned char)bytes[i]);
			len = 1;
		} else {
			text_add(out, bytes + i, len);
		}
		i += len;
	}
}

void text_json_name(struct text *text, const char *name)
{
	_cleanup_text_ struct text valid = {};

	text_name(&valid, name, strlen(name));
	text_json(text, text_str(&valid), valid.len);
	text->failed = text->failed || valid.failed;
}

int text_status(const struct text *text)
{
	return text->failed ? -ENOMEM : 0;
}

const char *text_str(struct text *text)
{
	if (!text->data)
		return "";
	text->data[text->len] = '\0';
	return text->data;
}

char *text_steal(struct text *text)
{
	char *data;

	if (!text_reserve(text, 0) || text->failed) {
		text_release(text);
		return NULL;
	}
	text_str(text);
	if (text_bytes(text) >= BUFFER_MAPPED_MIN) {
		data = malloc(text->len + 1);
		if (data)
			memcpy(data, text->data, text->len + 1);
		text_release(text);
		return data;
	}
	data = text->data;
	*text = (struct text){};
	return data;
}

void text_release(struct text *text)
{
	buffer_free(text->data, text_bytes(text));
	*text = (struct text){};
}
