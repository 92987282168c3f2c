/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/utf8.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

size_t utf8_sequence(const char *bytes, size_t n)
{
	const unsigned char *s = (const unsigned char *)bytes;
	size_t len;

	if (!n)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

bool utf8_is_valid(const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_sequence(s + i, n - i);
		if (!len)
			return false;
	}
	return true;
}

uint32_t utf8_decode(const char *s, size_t len)
{
	uint32_t c = len == 1 ? (unsigned char)*s : (unsigned char)*s & (0x7fU >> len);

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3fU);
	return c;
}

static bool is_hidden(uint32_t c)
{
	/*
	 * DerivedCoreProperties.txt of Unicode 15.1, Default_Ignorable_Code_Point, with the
	 * separators U+2028 and U+2029, the annotation marks U+FFF9 to U+FFFB, and the
	 * noncharacters U+FDD0 to U+FDEF.
	 */
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00ad, 0x00ad },   { 0x034f, 0x034f },   { 0x061c, 0x061c },
		{ 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },
		{ 0x200b, 0x200f },   { 0x2028, 0x202e },   { 0x2060, 0x206f },
		{ 0x3164, 0x3164 },   { 0xfdd0, 0xfdef },   { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },
		{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};

	if ((c & 0xfffe) == 0xfffe)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

size_t utf8_show(const char *s, size_t n, bool utf8, char shown[UTF8_SHOWN_SIZE])
{
	size_t len = utf8_sequence(s, n);
	uint32_t c = len ? utf8_decode(s, len) : (unsigned char)*s;

	if (!len || c < 0x20 || c == 0x7f) {
		snprintf(shown, UTF8_SHOWN_SIZE, "\\x%02x", (unsigned char)*s);
		return 1;
	}
	if (c < 0x7f || (utf8 && c >= 0xa0 && !is_hidden(c))) {
		memcpy(shown, s, len);
		shown[len] = '\0';
	} else if (c <= 0xffff) {
		snprintf(shown, UTF8_SHOWN_SIZE, "\\u%04x", c);
	} else {
		uint16_t high = (uint16_t)(0xd7c0 + (c >> 10)), low = 0xdc00 | (c & 0x3ff);

		snprintf(shown, UTF8_SHOWN_SIZE, "\\u%04x\\u%04x", high, low);
	}
	return len;
}

size_t utf8_show_line(char *to, size_t size, const char *from, size_t n, const char *keep)
{
	size_t at = 0, used = 0;

	while (at < n) {
		char shown[UTF8_SHOWN_SIZE] = { from[at] };
		size_t bytes = 1, len;

		if (!from[at] || !strchr(keep, from[at]))
			bytes = utf8_show(from + at, n - at, true, shown);
		len = strlen(shown);
		if (used + len >= size)
			break;
		memcpy(to + used, shown, len);
		used += len;
		at += bytes;
	}
	to[used] = '\0';
	return at;
}

size_t utf8_cut(const char *s, size_t n, size_t max)
{
	size_t cut = n < max ? n : max;

	/* Look for a sequence that begins before the cut and ends after it. */
	for (size_t back = 1; back < 4 && back <= cut; back++)
		if (utf8_sequence(s + cut - back, n - (cut - back)) > back)
			return cut - back;
	return cut;
}

bool utf8_is_padded(const char *bytes, size_t n)
{
	size_t len = strnlen(bytes, n), at = 0;

	while (at < len) {
		size_t sequence = utf8_sequence(bytes + at, len - at);

		if (!sequence || (unsigned char)bytes[at] < 0x20 || bytes[at] == 0x7f)
			return false;
		at += sequence;
	}
	while (at < n)
		if (bytes[at++])
			return false;
	return true;
}
