/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UTF-8, and the escapes for bytes and characters that must not reach a terminal, a log or an
 * identifier.
 *
 * Interface names, packets and documents are untrusted bytes. Two functions convert such bytes to
 * text, with two escapes:
 *
 *   \xNN    a byte that is not part of valid UTF-8, a C0 control, DEL
 *   \uNNNN  another character that is not printable, see utf8_show()
 *
 * As in JSON, a character beyond U+FFFF is a surrogate pair, two escapes.
 *
 * utf8_name() is for labels, JSON and identifiers: its result is valid UTF-8, and different for
 * different names. utf8_show() is for display: its result has no character that controls a terminal
 * or changes how the rest is displayed.
 *
 * All functions are pure and safe from any thread.
 */
#ifndef DYNMON_BASE_UTF8_H
#define DYNMON_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

/* Bytes of the longest result of utf8_show(), with its NUL. */
#define UTF8_SHOWN_SIZE 13

/* Length of the valid UTF-8 sequence at s (1 to 4), or 0 (RFC 3629). */
size_t utf8_sequence(const char *s, size_t n);

/* Returns true if the whole text is valid UTF-8. */
bool utf8_is_valid(const char *s, size_t n);

/**
 * utf8_decode() - the code point of a sequence
 * @s:    a valid sequence
 * @len:  its length, as utf8_sequence() returned it
 */
uint32_t utf8_decode(const char *s, size_t len);

/**
 * utf8_show() - convert the next character of a text to a form that is safe to display
 * @s:      the text
 * @n:      its bytes, at least 1
 * @utf8:   the display takes UTF-8; if not, every character beyond ASCII is escaped
 * @shown:  receives the character or its escape, as a string
 *
 * Escaped are invalid bytes, C0 and C1 controls, DEL, and the characters that are invisible or
 * change the order of others: Unicode's Default_Ignorable_Code_Point (zero-width and bidirectional
 * controls, tags, variation selectors), the line and paragraph separators, and noncharacters. A
 * newline and a tab are escaped, too: a caller that wants to keep these characters must do so
 * itself. A backslash is not escaped: the conversion is idempotent and keeps JSON equivalent.
 *
 * Return: number of bytes of @s that @shown represents, 1 to 4.
 */
size_t utf8_show(const char *s, size_t n, bool utf8, char shown[UTF8_SHOWN_SIZE]);

/**
 * utf8_show_line() - convert as much of a text as fits to a form that is safe to display
 * @to:    receives a string; no character and no escape is cut
 * @size:  room in @to, at least 1
 * @from:  the text
 * @n:     its bytes
 * @keep:  controls that stay as they are, such as "\t"
 *
 * Return: number of bytes of @from that @to represents.
 */
size_t utf8_show_line(char *to, size_t size, const char *from, size_t n, const char *keep);

/* Appends a text as utf8_show() converts it, but keeps newlines and tabs. */
void utf8_show_text(struct text *out, const char *bytes, size_t n, bool utf8);

/* The largest number of bytes up to max at which the text can be cut without cutting a character.
 */
size_t utf8_cut(const char *s, size_t n, size_t max);

/**
 * utf8_name() - append a name as valid UTF-8
 * @out:    text to append to
 * @bytes:  the name, any bytes
 * @n:      its bytes
 *
 * Valid UTF-8 is not changed, except NUL and carriage return, which some formats cannot represent.
 * Every other byte becomes \xNN. A backslash that would begin an escape becomes \x5c, so that
 * different names stay different, also after utf8_show().
 */
void utf8_name(struct text *out, const char *bytes, size_t n);

#endif
