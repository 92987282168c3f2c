/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UTF-8, and the escapes for bytes and characters that must not reach a terminal, a log or an
 * identifier.
 *
 * Interface names, packets and documents are bytes that others choose. Two functions make text of
 * them, with two escapes:
 *
 *   \xNN    a byte that is not part of valid UTF-8, a C0 control, DEL
 *   \uNNNN  another character that is not printable, see utf8_show()
 *
 * As in JSON, a character beyond U+FFFF is a surrogate pair, two escapes.
 *
 * utf8_name() is for labels, JSON and identifiers: its result is valid UTF-8, and different for
 * different names. utf8_show() is for eyes: its result has no character that a terminal obeys or
 * that changes how the rest looks.
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

/* Whether the text is valid UTF-8 as a whole. */
bool utf8_is_valid(const char *s, size_t n);

/**
 * utf8_decode() - the code point of a sequence
 * @s:    a valid sequence
 * @len:  its length, as utf8_sequence() returned it
 */
uint32_t utf8_decode(const char *s, size_t len);

/**
 * utf8_show() - the next character of a text, in the form in which it may be displayed
 * @s:      the text
 * @n:      its bytes, at least 1
 * @utf8:   the display takes UTF-8; if not, every character beyond ASCII is escaped
 * @shown:  receives the character or its escape, as a string
 *
 * Escaped are invalid bytes, C0 and C1 controls, DEL, and the characters that are invisible or
 * change the order of others: Unicode's Default_Ignorable_Code_Point (zero-width and bidirectional
 * controls, tags, variation selectors), the line and paragraph separators, and noncharacters.
 * A newline and a tab are escaped, too: a caller that wants them keeps them itself. A backslash is
 * not escaped, so that a second pass changes nothing, and JSON stays JSON that says the same.
 *
 * Return: the bytes of s that shown stands for, 1 to 4.
 */
size_t utf8_show(const char *s, size_t n, bool utf8, char shown[UTF8_SHOWN_SIZE]);

/**
 * utf8_show_line() - as much of a text as fits, in the form in which it may be displayed
 * @to:    receives a string; no character and no escape is cut
 * @size:  room in @to, at least 1
 * @from:  the text
 * @n:     its bytes
 * @keep:  controls that stay as they are, such as "\t"
 *
 * Return: the bytes of from that are in to.
 */
size_t utf8_show_line(char *to, size_t size, const char *from, size_t n, const char *keep);

/* Appends text in the form in which it may be displayed, see utf8_show(), with its newlines and
 * tabs. */
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
 * Valid UTF-8 stays as it is, but for NUL and carriage return, which some formats lack. Every other
 * byte becomes \xNN. A backslash that would begin an escape becomes \x5c, so that different names
 * stay different, also after utf8_show().
 */
void utf8_name(struct text *out, const char *bytes, size_t n);

#endif
