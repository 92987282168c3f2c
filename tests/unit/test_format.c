/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/format.h"
#include "fixture.h"

#include <net/if.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *format;
	const char *bytes;
	uint32_t size;
	const char *text; /* NULL: no text */
} values[] = {
	{ "ipv4", BYTES("\x0a\x00\x00\x01"), "10.0.0.1" },
	{ "IPv4", BYTES("\xff\xff\xff\xff"), "255.255.255.255" },
	{ "ipv6", BYTES("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"), "2001:db8::1" },
	{ "ipv6", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "::" },
	{ "ip", BYTES("\x7f\0\0\x01"), "127.0.0.1" },
	{ "ip", BYTES("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x00\x00\x01"), "10.0.0.1" },
	{ "ip", BYTES("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x02"), "fe80::2" },
	{ "mac", BYTES("\x02\x00\x00\xab\xcd\xef"), "02:00:00:ab:cd:ef" },
	{ "port", BYTES("\x00\x50"), "80" },
	{ "be16", BYTES("\xff\xfe"), "65534" },
	{ "be32", BYTES("\x00\x00\x01\x00"), "256" },
	{ "string", BYTES("eth0\0junk"), "eth0" },
	{ "string", BYTES("full"), "full" },
	{ "hex", BYTES("\x00\xff"), "00ff" },
	{ "uint", BYTES("\xff"), "255" },
	{ "uint", BYTES("\x01\x02"), "513" },
	{ "uint", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615" },
	{ "dname", BYTES("\3www\7example\3com\0\0\0"), "www.example.com" },
	{ "dname", BYTES("\1a"), "a" },
	{ "dname", BYTES("\3a.b\2\xff\\\0"), "a\\.b.\\xff\\" },
	{ "dname", BYTES("\0\1a"), "." },
	{ "dname", BYTES("\1a\5cut"), NULL },	   /* a label that goes on after the field */
	{ "dname", BYTES("\1a\xc0\x0c\0"), NULL }, /* compressed */
	{ "proto", BYTES("\x06"), "tcp" },
	{ "proto", BYTES("\x11\0\0\0"), "udp" },
	{ "proto", BYTES("\x3a"), "icmpv6" },
	{ "proto", BYTES("\xfd"), NULL },
	{ "errno", BYTES("\x02\0\0\0"), "ENOENT" },
	{ "errno", BYTES("\xfe\xff\xff\xff"), "ENOENT" },
	{ "errno", BYTES("\0\0\0\0"), "0" },
	{ "errno", BYTES("\xff\xff\xff\x7f"), NULL },
	{ "errno", BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff"), "ENOENT" },
	{ "ifname", BYTES("\xff\xff\xff\x7f"), NULL },
	{ "ifname", BYTES("\0\0\0\0"), NULL },
	{ "syscall", BYTES("\xff\xff\xff\xff"), NULL },
	{ "cgroup", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), NULL },
	{ "cgroup", BYTES("\xff\xff\xff\xff"), NULL },
	{ "ksym", BYTES("\0\0\0\0\0\0\0\0"), NULL },
	{ "kstack", BYTES("\0\0\0\0\0\0\0\0"), NULL },
	{ "kstack", BYTES("\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"), "0x2;0x1" },
	{ "kstack", BYTES("\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"), "0x2" },
	/* Numbers of devices that no machine has. */
	{ "majorminor", BYTES("\xfe\xff\xff\xff"), "4095:1048574" },
	{ "majorminor", BYTES("\0\0\0\0\1\0\0\0"), NULL },
	{ "kdev", BYTES("\xfe\xff\xff\xff\0\0\0\0"), "4095:1048574" },
	{ "kdev", BYTES("\1\0\xf0\xfe"), "4079:1" },
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		int format = format_from_name(values[i].format);
		_cleanup_text_ struct text out = {};
		bool shown;

		assert_true(format > FORMAT_AUTO);
		assert_true(format_fits((enum format)format, values[i].size));
		shown = format_text((enum format)format, values[i].bytes, values[i].size, &out);
		if (shown != (values[i].text != NULL) ||
		    strcmp(text_str(&out), values[i].text ? values[i].text : "") != 0)
			fail_msg("%zu: %s gives \"%s\"", i, values[i].format, text_str(&out));
	}
}

static void test_names(void **state)
{
	_cleanup_text_ struct text all = {};

	(void)state;
	assert_int_equal(format_from_name("auto"), -1);
	assert_int_equal(format_from_name(""), -1);
	assert_int_equal(format_from_name("ipv5"), -1);
	for (int i = FORMAT_AUTO + 1; i < FORMAT_COUNT; i++) {
		assert_int_equal(format_from_name(format_to_name((enum format)i)), i);
		text_printf(&all, "%s%s", all.len ? ", " : "", format_to_name((enum format)i));
	}
	assert_string_equal(text_str(&all), format_names());
}

static void test_sizes(void **state)
{
	static const struct {
		enum format format;
		uint32_t size;
		bool fits;
	} sizes[] = {
		{ FORMAT_IPV4, 4, true },     { FORMAT_IPV4, 16, false },
		{ FORMAT_IP, 16, true },      { FORMAT_IP, 6, false },
		{ FORMAT_MAC, 6, true },      { FORMAT_MAC, 8, false },
		{ FORMAT_PORT, 2, true },     { FORMAT_PORT, 4, false },
		{ FORMAT_STRING, 100, true }, { FORMAT_PROTO, 1, true },
		{ FORMAT_PROTO, 3, false },   { FORMAT_KSYM, 8, true },
		{ FORMAT_KSYM, 40, false },   { FORMAT_HEX, 1, true },
		{ FORMAT_KSTACK, 160, true }, { FORMAT_KSTACK, 12, false },
		{ FORMAT_CGROUP, 4, true },   { FORMAT_UINT, 3, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		assert_int_equal(format_fits(sizes[i].format, sizes[i].size), sizes[i].fits);
}

/* Names that every machine has: the loopback interface, a system call, the root cgroup. */
static void test_machine(void **state)
{
	uint32_t loopback = if_nametoindex("lo");
	uint64_t number = SYS_read;
	_cleanup_text_ struct text out = {};

	(void)state;
	if (loopback) {
		assert_true(format_text(FORMAT_IFNAME, (const char *)&loopback, 4, &out));
		assert_string_equal(text_str(&out), "lo");
		text_clear(&out);
	}
	assert_true(format_text(FORMAT_SYSCALL, (const char *)&number, 8, &out));
	assert_string_equal(text_str(&out), "read");
}

/* The root of cgroup v2 has a name, also beside v1 hierarchies, unless a capability is missing. */
static void test_missing(void **state)
{
	struct stat root, unified;
	bool hybrid = stat("/sys/fs/cgroup/unified", &unified) == 0;
	_cleanup_text_ struct text out = {};
	uint64_t id;
	int status;

	(void)state;
	assert_null(format_missing(FORMAT_IPV4));
	if (geteuid() != 0 || stat("/sys/fs/cgroup", &root) < 0 || format_missing(FORMAT_CGROUP))
		skip();
	id = hybrid ? unified.st_ino : root.st_ino;
	assert_true(format_text(FORMAT_CGROUP, (const char *)&id, sizeof(id), &out));
	assert_string_equal(text_str(&out), "/");
	if (fork() == 0) {
		const char *why = seteuid(65534) == 0 ? format_missing(FORMAT_CGROUP) : NULL;

		_exit(!why || !strstr(why, "CAP_DAC_READ_SEARCH"));
	}
	wait(&status);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	cmocka_unit_test(test_names),
		cmocka_unit_test(test_sizes),	cmocka_unit_test(test_machine),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
