/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formats convert the bytes of a field to the text of a label: addresses, ports, and names for
 * numbers. All functions are safe to call from any thread; returned strings are static.
 */
#ifndef DYNMON_DECODE_FORMAT_H
#define DYNMON_DECODE_FORMAT_H

#include "base/text.h"

struct btf;

enum format {
	FORMAT_AUTO, /* the JSON representation of the type */
	FORMAT_IPV4,
	FORMAT_IPV6,
	FORMAT_IP, /* by the size; a mapped IPv4 address is shown as IPv4 */
	FORMAT_MAC,
	FORMAT_PORT,
	FORMAT_BE16,
	FORMAT_BE32,
	FORMAT_STRING,
	FORMAT_HEX,
	FORMAT_UINT, /* in host byte order, also where the type suggests another format */
	FORMAT_DNAME,
	FORMAT_ENUM,
	FORMAT_IFNAME,
	FORMAT_PROTO,
	FORMAT_ERRNO,
	FORMAT_SYSCALL,
	FORMAT_KSYM,
	FORMAT_CGROUP,
	FORMAT_KSTACK,
	FORMAT_MAJORMINOR,
	FORMAT_KDEV,
	FORMAT_MAP, /* table in the document */
	FORMAT_COUNT,
};

/**
 * format_from_name() - find a format by its name
 * @name:  name such as "ipv4", compared without regard to case
 *
 * Return: enum format, or -1 if the name is unknown. "auto" is not a valid name.
 */
int format_from_name(const char *name);

/**
 * format_to_name() - return the name of a format
 * @format:  the format
 */
const char *format_to_name(enum format format);

/**
 * format_names() - return all valid names, for messages
 *
 * Return: names separated by ", ".
 */
const char *format_names(void);

/**
 * format_missing() - test whether this process can name the values of a format
 * @format:  the format
 *
 * Return: why all values are shown as numbers, such as a missing capability; NULL if they are not.
 */
const char *format_missing(enum format format);

/**
 * format_fits() - test whether a format supports a size
 * @format:  the format
 * @size:    bytes of the field
 */
bool format_fits(enum format format, uint32_t size);

/**
 * format_fits_integer() - test whether a format supports integers of any width, such as bit fields
 * @format:  the format
 */
bool format_fits_integer(enum format format);

/**
 * format_integer() - append an integer as text
 * @format:  the format
 * @value:   the integer
 * @out:     the text is appended
 *
 * Return: false as format_text(), and if the format does not support integers of any width.
 */
bool format_integer(enum format format, int64_t value, struct text *out);

/**
 * format_sizes() - describe the sizes that a format supports, for messages
 * @format:  the format
 *
 * Return: a text such as "4 bytes".
 */
const char *format_sizes(enum format format);

/**
 * format_guess() - guess the format of a field from the name of its type and its own name
 * @btf:      BTF, or NULL
 * @type_id:  id of the type
 * @name:     name of the field
 *
 * Return: the format, or FORMAT_AUTO if no other format applies. Of structs and unions, only those
 * that are a single value, such as struct in6_addr, have another format.
 */
enum format format_guess(const struct btf *btf, uint32_t type_id, const char *name);

/**
 * format_text() - append bytes as text
 * @format:  the format; FORMAT_AUTO, FORMAT_ENUM and FORMAT_MAP return false
 * @bytes:   the value, need not be aligned
 * @size:    number of bytes; format_fits() must hold
 * @out:     the text is appended
 *
 * Return: false if the value has no text in this format, such as the index of a deleted interface
 * or an unknown protocol. Nothing is appended then.
 */
bool format_text(enum format format, const char *bytes, uint32_t size, struct text *out);

#endif
