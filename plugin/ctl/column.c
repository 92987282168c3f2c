/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/column.h"
#include "base/utf8.h"

#include <langinfo.h>
#include <wchar.h>

bool column_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static wchar_t decode(const char *s, size_t n)
{
	wchar_t c = n == 1 ? (unsigned char)*s : (wchar_t)((unsigned char)*s & (0x7f >> n));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (wchar_t)((unsigned char)s[i] & 0x3f);
	return c;
}

/* The next character: its bytes and the columns it takes. False: it is shown as ?, in one column.
 */
static bool next(const char *s, bool utf8, size_t *bytes, size_t *columns)
{
	int width = -1;

	*bytes = utf8_sequence(s, strlen(s));
	if (*bytes == 1 || (*bytes && utf8))
		width = wcwidth(decode(s, *bytes));
	if (!*bytes)
		*bytes = 1;
	*columns = width < 0 ? 1 : (size_t)width;
	return width >= 0;
}

size_t column_width(const char *s, bool utf8)
{
	size_t width = 0, bytes, columns;

	for (; *s; s += bytes) {
		next(s, utf8, &bytes, &columns);
		width += columns;
	}
	return width;
}

const char *column_skip(const char *s, size_t columns, bool utf8)
{
	size_t used = 0, bytes, width;

	for (; *s && used < columns; s += bytes) {
		next(s, utf8, &bytes, &width);
		used += width;
	}
	return s;
}

void column_fit(struct text *out, const char *s, size_t width, bool right, bool utf8)
{
	size_t all = column_width(s, utf8), room = all > width ? width - !!width : width, used = 0;

	for (size_t i = all; right && i < width; i++)
		text_addc(out, ' ');
	while (*s) {
		size_t bytes, columns;
		bool shown = next(s, utf8, &bytes, &columns);

		if (used + columns > room)
			break;
		text_add(out, shown ? s : "?", shown ? bytes : 1);
		used += columns;
		s += bytes;
	}
	for (; used < room && (!right || all > width); used++)
		text_addc(out, ' ');
	if (all > width && width)
		text_adds(out, utf8 ? "…" : "~");
}
