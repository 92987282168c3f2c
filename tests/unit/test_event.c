/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/event.h"

#include "../../bpf/dynmon/event.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PACKED_MAX 512

static size_t make_log(char *record, unsigned int level, unsigned int n, const uint64_t *args,
		       const char *format)
{
	struct dynmon_event_log log = {
		.kind = DYNMON_EVENT_LOG,
		.level = (uint16_t)level,
		.args_count = (uint16_t)n,
		.format_len = (uint16_t)(strlen(format) + 1),
	};

	for (unsigned int i = 0; i < n; i++)
		log.args[i] = args[i];
	memcpy(record, &log, sizeof(log));
	memcpy(record + sizeof(log), format, strlen(format) + 1);
	return sizeof(log) + strlen(format) + 1;
}

static void test_formats(void **state)
{
	static const struct {
		const char *format;
		uint64_t args[4];
		unsigned int n;
		const char *text;
	} cases[] = {
		{ "plain", { 0 }, 0, "plain" },
		{ "100%%", { 0 }, 0, "100%" },
		{ "%d %d", { 7, (uint64_t)-7 }, 2, "7 -7" },
		{ "%u", { (uint64_t)-1 }, 1, "4294967295" },
		{ "%llu", { UINT64_MAX }, 1, "18446744073709551615" },
		{ "%lld", { (uint64_t)INT64_MIN }, 1, "-9223372036854775808" },
		{ "%08x|%-5u|%5d", { 0xbeef, 42, (uint64_t)-3 }, 3, "0000beef|42   |   -3" },
		{ "%X %o %c", { 255, 8, 'A' }, 3, "FF 10 A" },
		{ "%c", { 7 }, 1, "?" },
		{ "%p", { 0xffff888000000001 }, 1, "ffff888000000001" },
		{ "%hu", { 9 }, 1, "9" },
		{ "%s and %n", { 1, 2 }, 2, "%s and %n" },
		{ "%d %d", { 1 }, 1, "1 %d" },
		{ "%", { 1 }, 1, "%" },
		{ "%99999d", { 1 }, 1, "%99999d" },
		{ "%.31111111X", { 1 }, 1, "%.31111111X" },
		{ "%016llx", { 1 }, 1, "0000000000000001" },
		{ "%0000000000000000000000000000000000000001d",
		  { 1 },
		  1,
		  "%0000000000000000000000000000000000000001d" },
	};
	char record[PACKED_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_text_ struct text out = {};
		enum log_level level = LOG_LEVEL_ERR;
		size_t len = make_log(record, 2, cases[i].n, cases[i].args, cases[i].format);

		assert_int_equal(event_format(record, len, &level, &out), 0);
		assert_string_equal(text_str(&out), cases[i].text);
		assert_int_equal(level, LOG_LEVEL_INFO);
	}
}

static void test_network_order(void **state)
{
	const uint8_t mac[8] = { 0x02, 0x42, 0xac, 0x11, 0x00, 0x01 };
	uint64_t args[4] = { htonl(0xc0000201), 0, htons(8080), 0 };
	_cleanup_text_ struct text out = {};
	char record[PACKED_MAX];
	enum log_level level;
	size_t len;

	(void)state;
	memcpy(&args[1], mac, sizeof(mac));
	len = make_log(record, 5, 3, args, "%I %M %P");
	assert_int_equal(event_format(record, len, &level, &out), 0);
	assert_string_equal(text_str(&out), "192.0.2.1 02:42:ac:11:00:01 8080");
	assert_int_equal(level, LOG_LEVEL_ERR);
}

static void test_packet(void **state)
{
	const struct dynmon_event_packet packet = {
		.kind = DYNMON_EVENT_PACKET, .reason = 3, .packet_len = 60, .md = { 1, 2, 3 }
	};
	_cleanup_text_ struct text out = {};
	enum log_level level;

	(void)state;
	assert_int_equal(event_format(&packet, sizeof(packet), &level, &out), 0);
	assert_string_equal(text_str(&out),
			    "packet of 60 bytes sent to the controller, reason 3, metadata 1 2 3");
}

static void test_what_is_no_record(void **state)
{
	const uint64_t args[4] = { 1, 2, 3, 4 };
	_cleanup_text_ struct text out = {};
	char record[PACKED_MAX], broken[PACKED_MAX];
	struct dynmon_event_log *log = (void *)broken;
	enum log_level level;
	size_t len = make_log(record, 2, 4, args, "%d %d %d %d");

	(void)state;
	for (size_t n = 0; n < len; n++) /* every truncation */
		assert_int_equal(event_format(record, n, &level, &out), -EINVAL);
	memcpy(broken, record, len);
	log->kind = 9;
	assert_int_equal(event_format(broken, len, &level, &out), -EINVAL);
	memcpy(broken, record, len);
	log->level = 6;
	assert_int_equal(event_format(broken, len, &level, &out), -EINVAL);
	memcpy(broken, record, len);
	log->args_count = 5;
	assert_int_equal(event_format(broken, len, &level, &out), -EINVAL);
	memcpy(broken, record, len);
	log->format_len = DYNMON_EVENT_FORMAT_MAX + 1;
	assert_int_equal(event_format(broken, sizeof(broken), &level, &out), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_network_order),
		cmocka_unit_test(test_packet),
		cmocka_unit_test(test_what_is_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
