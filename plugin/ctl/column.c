/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/column.h"
#include "base/utf8.h"

#include <langinfo.h>
#include <wchar.h>

bool column_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* Converts the next character for display. Returns its length in s; columns receives its width. */
static size_t show_next(const char *s, bool utf8, char shown[UTF8_SHOWN_SIZE], size_t *columns)
{
	size_t n = strnlen(s, 4), bytes = utf8_show(s, n, utf8, shown);
	int width = -1;

	if (!strncmp(shown, s, bytes)) /* shown unescaped */
		width = wcwidth((wchar_t)utf8_decode(s, bytes));
	if (width < 0) { /* escaped, or of unknown width: escape the character */
		utf8_show(s, n, false, shown);
		width = (int)strlen(shown);
	}
	*columns = (size_t)width;
	return bytes;
}

size_t column_width(const char *s, bool utf8)
{
	char shown[UTF8_SHOWN_SIZE];
	size_t width = 0, columns;

	while (*s) {
		s += show_next(s, utf8, shown, &columns);
		width += columns;
	}
	return width;
}

const char *column_skip(const char *s, size_t columns, bool utf8)
{
	char shown[UTF8_SHOWN_SIZE];
	size_t used = 0, width;

	while (*s && used < columns) {
		s += show_next(s, utf8, shown, &width);
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
		char shown[UTF8_SHOWN_SIZE];
		size_t columns, bytes = show_next(s, utf8, shown, &columns);

		if (used + columns > room)
			break;
		text_adds(out, shown);
		used += columns;
		s += bytes;
	}
	for (; used < room && (!right || all > width); used++)
		text_addc(out, ' ');
	if (all > width && width)
		text_adds(out, utf8 ? "…" : "~");
}
