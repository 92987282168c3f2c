/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/format.h"
#include "base/utf8.h"
#include "decode/number.h"
#include "kernel/symbol.h"
#include "kernel/type.h"

#include <arpa/inet.h>
#include <bpf/btf.h>
#include <net/if.h>
#include <strings.h>

/* Sets of sizes: bit n stands for n bytes. */
#define SIZE(n)	 (1u << (n))
#define INTEGERS (SIZE(1) | SIZE(2) | SIZE(4) | SIZE(8))
#define ANY	 (~0u)
#define WORDS	 (SIZE(0)) /* all multiples of 8 bytes */

static bool show_name(const char *name, struct text *out)
{
	if (name)
		text_adds(out, name);
	return name;
}

static bool show_ipv4(const char *bytes, uint32_t size, struct text *out)
{
	(void)size;
	for (int i = 0; i < 4; i++) {
		if (i)
			text_addc(out, '.');
		text_u64(out, (unsigned char)bytes[i]);
	}
	return true;
}

static bool show_ipv6(const char *bytes, uint32_t size, struct text *out)
{
	char address[INET6_ADDRSTRLEN];

	(void)size;
	return show_name(inet_ntop(AF_INET6, bytes, address, sizeof(address)), out);
}

static bool show_ip(const char *bytes, uint32_t size, struct text *out)
{
	static const char mapped[12] = { [10] = (char)0xff, [11] = (char)0xff };

	if (size == 4)
		return show_ipv4(bytes, size, out);
	if (!memcmp(bytes, mapped, sizeof(mapped)))
		return show_ipv4(bytes + sizeof(mapped), 4, out);
	return show_ipv6(bytes, size, out);
}

static bool show_mac(const char *bytes, uint32_t size, struct text *out)
{
	for (uint32_t i = 0; i < size; i++) {
		if (i)
			text_addc(out, ':');
		text_hex(out, bytes + i, 1);
	}
	return true;
}

static bool show_be(const char *bytes, uint32_t size, struct text *out)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < size; i++)
		value = value << 8 | (unsigned char)bytes[i];
	text_u64(out, value);
	return true;
}

static bool show_hex(const char *bytes, uint32_t size, struct text *out)
{
	text_hex(out, bytes, size);
	return true;
}

static bool show_string(const char *bytes, uint32_t size, struct text *out)
{
	text_name(out, bytes, strnlen(bytes, size));
	return true;
}

/* Accepts positive and negative error numbers, because kernel functions return -errno. */
static bool show_errno(const char *bytes, uint32_t size, struct text *out)
{
	int64_t value = number_sign_extend(number_load(bytes, size), 8 * size);

	value = value < 0 ? -value : value;
	return value <= 4095 && show_name(value ? strerrorname_np((int)value) : "0", out);
}

/* Appends a label of a DNS name. A dot in the label is escaped, as in RFC 1035. */
static void show_dns_label(const char *bytes, size_t len, struct text *out)
{
	const char *end = bytes + len;

	while (bytes < end) {
		const char *dot = memchr(bytes, '.', (size_t)(end - bytes));
		size_t n = (size_t)((dot ? dot : end) - bytes);

		text_name(out, bytes, n);
		if (dot)
			text_adds(out, "\\.");
		bytes += n + (dot != NULL);
	}
}

/* A DNS name in wire format: each label follows its length, and the length 0 ends the name. */
static bool show_dname(const char *bytes, uint32_t size, struct text *out)
{
	size_t start = out->len, len;

	for (uint32_t at = 0; at < size && bytes[at]; at += 1 + (uint32_t)len) {
		len = (unsigned char)bytes[at];
		if (len > 63 || at + 1 + len > size) {
			out->len = start;
			return false;
		}
		if (at)
			text_addc(out, '.');
		show_dns_label(bytes + at + 1, len, out);
	}
	if (out->len == start)
		text_addc(out, '.');
	return true;
}

/* Addresses of kernel functions, innermost first, up to the first 0. */
static bool show_kstack(const char *bytes, uint32_t size, struct text *out)
{
	for (uint32_t at = 0; at < size; at += sizeof(uint64_t)) {
		uint64_t address = number_load(bytes + at, sizeof(address));

		if (!address)
			return at > 0;
		if (at)
			text_addc(out, ';');
		if (!symbol_kernel(address, out))
			text_printf(out, "0x%llx", (unsigned long long)address);
	}
	return true;
}

static bool show_uint(uint64_t value, struct text *out)
{
	text_u64(out, value);
	return true;
}

/* The encoding of new_encode_dev() in the kernel and of stat(2). */
static bool show_majorminor(uint64_t device, struct text *out)
{
	if (device > UINT32_MAX)
		return false;
	symbol_block_device((device & 0xfff00) >> 8, (device & 0xff) | (device >> 12 & 0xfff00),
			    out);
	return true;
}

/* The kernel's own encoding, MKDEV(). */
static bool show_kdev(uint64_t device, struct text *out)
{
	if (device > UINT32_MAX)
		return false;
	symbol_block_device(device >> 20, device & 0xfffff, out);
	return true;
}

static bool show_ifname(uint64_t index, struct text *out)
{
	char name[IF_NAMESIZE];

	if (index > UINT32_MAX || !if_indextoname((unsigned int)index, name))
		return false;
	text_name(out, name, strlen(name));
	return true;
}

/* Source: https://www.iana.org/assignments/protocol-numbers, and IPPROTO_MPTCP of the kernel. */
static bool show_proto(uint64_t number, struct text *out)
{
	static const char *const names[] = {
		[1] = "icmp",	[2] = "igmp",	 [4] = "ipip",	    [6] = "tcp",    [17] = "udp",
		[33] = "dccp",	[41] = "ipv6",	 [46] = "rsvp",	    [47] = "gre",   [50] = "esp",
		[51] = "ah",	[58] = "icmpv6", [89] = "ospf",	    [103] = "pim",  [112] = "vrrp",
		[115] = "l2tp", [132] = "sctp",	 [136] = "udplite", [137] = "mpls", [262] = "mptcp",
	};

	return number < ARRAY_SIZE(names) && show_name(names[number], out);
}

static bool show_syscall(uint64_t number, struct text *out)
{
	return show_name(symbol_syscall(number), out);
}

/* Each format has one function that shows bytes, or one that shows an unsigned integer. */
static const struct {
	const char *name;
	uint32_t sizes;
	const char *sizes_text;
	bool (*show)(const char *bytes, uint32_t size, struct text *out);
	bool (*show_integer)(uint64_t value, struct text *out);
	const char *(*missing)(void); /* returns why values have no name; NULL: they have */
} formats[FORMAT_COUNT] = {
	[FORMAT_AUTO] = { "auto", ANY, "any size" },
	[FORMAT_IPV4] = { "ipv4", SIZE(4), "4 bytes", show_ipv4 },
	[FORMAT_IPV6] = { "ipv6", SIZE(16), "16 bytes", show_ipv6 },
	[FORMAT_IP] = { "ip", SIZE(4) | SIZE(16), "4 or 16 bytes", show_ip },
	[FORMAT_MAC] = { "mac", SIZE(6), "6 bytes", show_mac },
	[FORMAT_PORT] = { "port", SIZE(2), "2 bytes", show_be },
	[FORMAT_BE16] = { "be16", SIZE(2), "2 bytes", show_be },
	[FORMAT_BE32] = { "be32", SIZE(4), "4 bytes", show_be },
	[FORMAT_STRING] = { "string", ANY, "any size", show_string },
	[FORMAT_HEX] = { "hex", ANY, "any size", show_hex },
	[FORMAT_UINT] = { "uint", INTEGERS, "an integer", .show_integer = show_uint },
	[FORMAT_DNAME] = { "dname", ANY, "any size", show_dname },
	[FORMAT_ENUM] = { "enum", INTEGERS, "an integer" },
	[FORMAT_IFNAME] = { "ifname", INTEGERS, "an integer", .show_integer = show_ifname },
	[FORMAT_PROTO] = { "proto", INTEGERS, "an integer", .show_integer = show_proto },
	[FORMAT_ERRNO] = { "errno", INTEGERS, "an integer", show_errno },
	[FORMAT_SYSCALL] = { "syscall", INTEGERS, "an integer", .show_integer = show_syscall },
	[FORMAT_KSYM] = { "ksym", SIZE(8), "8 bytes", .show_integer = symbol_kernel,
			  .missing = symbol_kernel_missing },
	[FORMAT_CGROUP] = { "cgroup", SIZE(4) | SIZE(8), "4 or 8 bytes",
			    .show_integer = symbol_cgroup, .missing = symbol_cgroup_missing },
	[FORMAT_KSTACK] = { "kstack", WORDS, "a multiple of 8 bytes", show_kstack,
			    .missing = symbol_kernel_missing },
	[FORMAT_MAJORMINOR] = { "majorminor", SIZE(4) | SIZE(8), "4 or 8 bytes",
				.show_integer = show_majorminor },
	[FORMAT_KDEV] = { "kdev", SIZE(4) | SIZE(8), "4 or 8 bytes", .show_integer = show_kdev },
	[FORMAT_MAP] = { "map", ANY, "any size" },
};

int format_from_name(const char *name)
{
	for (int i = FORMAT_AUTO + 1; i < FORMAT_COUNT; i++)
		if (!strcasecmp(formats[i].name, name))
			return i;
	return -1;
}

const char *format_to_name(enum format format)
{
	return formats[format].name;
}

const char *format_names(void)
{
	return "ipv4, ipv6, ip, mac, port, be16, be32, string, hex, uint, dname, enum, ifname, "
	       "proto, errno, syscall, ksym, cgroup, kstack, majorminor, kdev, map";
}

const char *format_missing(enum format format)
{
	return formats[format].missing ? formats[format].missing() : NULL;
}

bool format_fits(enum format format, uint32_t size)
{
	if (formats[format].sizes == WORDS)
		return size % sizeof(uint64_t) == 0;
	return formats[format].sizes == ANY || (size < 32 && formats[format].sizes & SIZE(size));
}

const char *format_sizes(enum format format)
{
	return formats[format].sizes_text;
}

bool format_fits_integer(enum format format)
{
	return format == FORMAT_AUTO || format == FORMAT_MAP || formats[format].sizes == INTEGERS;
}

bool format_integer(enum format format, int64_t value, struct text *out)
{
	return format_fits_integer(format) &&
	       format_text(format, (const char *)&value, sizeof(value), out);
}

bool format_text(enum format format, const char *bytes, uint32_t size, struct text *out)
{
	if (formats[format].show_integer)
		return formats[format].show_integer(number_load(bytes, size), out);
	return formats[format].show && formats[format].show(bytes, size, out);
}

/* -- guessing the format from type and name -- */

/* Tests whether a type has one of the names, itself or after typedefs and qualifiers. */
static bool is_called(const struct btf *btf, uint32_t id, const char *const names[])
{
	for (int depth = 0; depth < 32; depth++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!type)
			return false;
		for (size_t i = 0; names[i]; i++)
			if (!strcmp(type_name(btf, type->name_off), names[i]))
				return true;
		if (!btf_is_typedef(type) && !btf_is_mod(type))
			return false;
		id = type->type;
	}
	return false;
}

static bool contains_any(const char *name, const char *const parts[])
{
	for (size_t i = 0; parts[i]; i++)
		if (strcasestr(name, parts[i]))
			return true;
	return false;
}

/* Tests whether one of the words of a name, separated by "_", equals word. */
static bool has_word(const char *name, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = name; *at; at += strcspn(at, "_"), at += *at == '_')
		if (strcspn(at, "_") == n && !strncasecmp(at, word, n))
			return true;
	return false;
}

/* Guesses the format of a byte array. Code uses "u8" for addresses and "char" for text. */
static enum format guess_bytes(const struct btf *btf, const struct btf_array *array,
			       const char *name)
{
	static const char *const bytes[] = { "u8", "__u8", "uint8_t", NULL };
	static const char *const texts[] = { "comm", "name", "str", "path", NULL };

	if (!is_called(btf, array->type, bytes) || contains_any(name, texts))
		return FORMAT_AUTO;
	return array->nelems == 16 ? FORMAT_IPV6 : array->nelems == 6 ? FORMAT_MAC : FORMAT_AUTO;
}

static enum format guess_integer(const struct btf *btf, uint32_t id, uint32_t size,
				 const char *name)
{
	static const char *const be32[] = { "__be32", "be32", NULL };
	static const char *const be16[] = { "__be16", "be16", NULL };
	static const char *const address[] = {
		"addr", "ip", "src", "dst", "gateway", "host", NULL
	};
	static const char *const interface[] = { "ifindex", "ifidx", NULL };
	static const char *const protocol[] = { "proto", "nexthdr", NULL };

	if (size == 4 && is_called(btf, id, be32))
		return contains_any(name, address) ? FORMAT_IPV4 : FORMAT_BE32;
	if (size == 2 && is_called(btf, id, be16))
		return FORMAT_PORT;
	if (size == 4 && (contains_any(name, interface) || has_word(name, "ifi") ||
			  has_word(name, "iif") || has_word(name, "oif")))
		return FORMAT_IFNAME;
	/* An 8-byte integer with such a name is a counter. */
	if (size < 8 && contains_any(name, protocol))
		return FORMAT_PROTO;
	return FORMAT_AUTO;
}

enum format format_guess(const struct btf *btf, uint32_t type_id, const char *name)
{
	static const char *const in6[] = { "in6_addr", NULL };
	static const char *const in[] = { "in_addr", NULL };
	const struct btf_type *type = btf ? type_resolve(btf, type_id) : NULL;

	if (!type)
		return FORMAT_AUTO;
	if (btf_is_composite(type)) {
		if (type->size == 16 && is_called(btf, type_id, in6))
			return FORMAT_IPV6;
		return type->size == 4 && is_called(btf, type_id, in) ? FORMAT_IPV4 : FORMAT_AUTO;
	}
	if (btf_is_array(type))
		return guess_bytes(btf, btf_array(type), name);
	if (btf_is_any_enum(type))
		return FORMAT_ENUM;
	if (btf_is_int(type) && !(btf_int_encoding(type) & BTF_INT_BOOL))
		return guess_integer(btf, type_id, type->size, name);
	return FORMAT_AUTO;
}
