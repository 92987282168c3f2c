/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the bytes of a field become the text of a label: addresses, ports, names of what a number
 * stands for. Safe from any thread.
 */
#ifndef DYNMON_DECODE_FORMAT_H
#define DYNMON_DECODE_FORMAT_H

#include "base/text.h"

struct btf;

enum format {
	FORMAT_AUTO, /* as the type is shown in JSON */
	FORMAT_IPV4,
	FORMAT_IPV6,
	FORMAT_IP, /* by the size; a mapped IPv4 address as such */
	FORMAT_MAC,
	FORMAT_PORT,
	FORMAT_BE16,
	FORMAT_BE32,
	FORMAT_STRING,
	FORMAT_HEX,
	FORMAT_ENUM,
	FORMAT_IFNAME,
	FORMAT_PROTO,
	FORMAT_ERRNO,
	FORMAT_SYSCALL,
	FORMAT_KSYM,
	FORMAT_CGROUP,
	FORMAT_MAP, /* by the document's own table */
	FORMAT_COUNT,
};

/* "ipv4" ...; -1: there is none of that name. */
int format_from_name(const char *name);
const char *format_to_name(enum format format);
/* All of them, separated by ", ", for messages. */
const char *format_names(void);

/* Whether fields of so many bytes can be shown like that. */
bool format_fits(enum format format, uint32_t size);
/* Whether integers of any number of bits can. */
bool format_fits_integer(enum format format);
/* Such a one, as format_text(). */
bool format_integer(enum format format, int64_t value, struct text *out);
/* What does: "4 bytes". For messages. */
const char *format_sizes(enum format format);

/*
 * The format of a field when nobody says one: by its type, as BTF calls it, and its own name.
 * *whole: a struct that is one value, as struct in6_addr. FORMAT_AUTO: no particular one.
 */
enum format format_guess(const struct btf *btf, uint32_t type_id, const char *name, bool *whole);

/*
 * Appends size bytes as text. false: this value has no such text, and nothing is appended: an
 * interface that is gone, a protocol without a name. Not for enum and map, which need more.
 */
bool format_text(enum format format, const char *bytes, uint32_t size, struct text *out);

#endif
