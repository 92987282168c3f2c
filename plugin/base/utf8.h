/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UTF-8 validation, and escapes for bytes and characters that must not reach a terminal, a log or
 * an identifier.
 *
 * Interface names, packets and documents contain untrusted bytes. Two conversions make such bytes
 * safe. They use two escapes:
 *
 *   \xNN    a byte that is not part of valid UTF-8, a C0 control, DEL
 *   \uNNNN  another character that is not printable, see utf8_show()
 *
 * As in JSON, a character beyond U+FFFF becomes a surrogate pair of two escapes.
 *
 * text_name() is for labels, JSON and identifiers. Its result is valid UTF-8, and different names
 * give different results. utf8_show() is for display. Its result contains no character that
 * controls a terminal or changes how other characters are displayed.
 *
 * All functions are pure and safe from any thread.
 */
#ifndef DYNMON_BASE_UTF8_H
#define DYNMON_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Size of the longest result of utf8_show() in bytes, including the NUL. */
#define UTF8_SHOWN_SIZE 13

/**
 * utf8_is_padded() - test whether bytes are text rather than, for example, an address
 * @bytes: the bytes
 * @n:     their number
 *
 * Text is printable up to the first NUL and has only NUL after it, so that different bytes have
 * different texts. Bytes that are all NUL are the empty text.
 */
bool utf8_is_padded(const char *bytes, size_t n);

/**
 * utf8_sequence() - measure the UTF-8 sequence at the start of a text
 * @s:  the text
 * @n:  number of bytes
 *
 * Return: number of bytes of a valid sequence (RFC 3629), 1 to 4; 0 if there is none.
 */
size_t utf8_sequence(const char *s, size_t n);

/* Returns true if the whole text is valid UTF-8. */
bool utf8_is_valid(const char *s, size_t n);

/**
 * utf8_decode() - decode a sequence
 * @s:    a valid sequence
 * @len:  length of the sequence, as utf8_sequence() returned it
 *
 * Return: the code point.
 */
uint32_t utf8_decode(const char *s, size_t len);

/**
 * utf8_show() - convert the next character of a text to a form that is safe to display
 * @s:      the text
 * @n:      number of bytes, at least 1
 * @utf8:   true if the display supports UTF-8; if false, every character beyond ASCII is escaped
 * @shown:  receives the character or its escape, as a string
 *
 * The function escapes invalid bytes, C0 and C1 controls, DEL, and characters that are invisible or
 * change the order of others: Unicode's Default_Ignorable_Code_Point (zero-width and bidirectional
 * controls, tags, variation selectors), the line and paragraph separators, and noncharacters.
 * Newline and tab are escaped too: a caller that wants to keep these characters must handle them
 * itself. A backslash is not escaped, so that the conversion is idempotent and JSON stays
 * equivalent.
 *
 * Return: number of bytes of @s that @shown represents, 1 to 4.
 */
size_t utf8_show(const char *s, size_t n, bool utf8, char shown[UTF8_SHOWN_SIZE]);

/**
 * utf8_show_line() - convert as much of a text as fits to a form that is safe to display
 * @to:    receives a string; characters and escapes are never cut
 * @size:  size of @to in bytes, at least 1
 * @from:  the text
 * @n:     number of bytes in @from
 * @keep:  characters that are not escaped, such as "\t"
 *
 * Return: number of bytes of @from that @to represents.
 */
size_t utf8_show_line(char *to, size_t size, const char *from, size_t n, const char *keep);

/**
 * utf8_cut() - find where to truncate a text
 * @s:    the text
 * @n:    number of bytes
 * @max:  maximum number of bytes to keep
 *
 * Return: the largest number of bytes, at most @max and @n, that does not cut a character.
 */
size_t utf8_cut(const char *s, size_t n, size_t max);

#endif
