/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/event.h"
#include "base/dialect_level.h"

#include "../../bpf/dynmon/event.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define CONVERSION_MAX 32 /* bytes of one conversion, without length modifiers */

bool event_map_is_internal(const char *name)
{
	return !strcmp(name, EVENT_MAP) || !strcmp(name, EVENT_LOST_MAP);
}

/* Formats one conversion with its flags and width. Arguments are always 64 bits wide. */
static void format_number(const char *flags, size_t n, bool is_long, char conversion, uint64_t arg,
			  struct text *out)
{
	char spec[CONVERSION_MAX + 5];

	/* Arguments were extended with the sign of their own type; %u and %x of an int mean 32
	 * bits. */
	if (strchr("uxXo", conversion) && !is_long)
		arg = (uint32_t)arg;
	if (conversion == 'c') {
		text_addc(out, arg >= 0x20 && arg < 0x7f ? (char)arg : '?');
		return;
	}
	if (conversion == 'p')
		conversion = 'x';
	snprintf(spec, sizeof(spec), "%%%.*sll%c", (int)n, flags, conversion);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	text_printf(out, spec, (unsigned long long)arg); /* flags and conversion were checked */
#pragma GCC diagnostic pop
}

/* Returns true if width and precision, the numbers in the flags, are below 100. */
static bool widths_are_small(const char *flags, size_t n)
{
	unsigned int number = 0;

	for (size_t i = 0; i < n; i++) {
		number = flags[i] >= '0' && flags[i] <= '9' ? 10 * number + (flags[i] - '0') : 0;
		if (number >= 100)
			return false;
	}
	return true;
}

/* Formats the conversion after a "%". Returns the position after the conversion. */
static const char *format_one(const char *at, const uint64_t *args, size_t n_args, size_t *used,
			      struct text *out)
{
	size_t flags = strspn(at, "-+ #0123456789."), length = strspn(at + flags, "hlzjt");
	const char *end = at + flags + length;
	bool is_long = length && at[flags] != 'h';
	uint8_t bytes[8]; /* of the argument */
	uint32_t address;

	if (*at == '%') {
		text_addc(out, '%');
		return at + 1;
	}
	if (!*end || !strchr("diuxXocpIMP", *end) || flags > CONVERSION_MAX || *used == n_args ||
	    !widths_are_small(at, flags)) {
		text_addc(out, '%');
		return at;
	}
	memcpy(bytes, &args[*used], sizeof(bytes));
	address = ntohl((uint32_t)args[*used]);
	if (*end == 'I')
		text_printf(out, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
			    address >> 8 & 0xff, address & 0xff);
	else if (*end == 'M')
		text_printf(out, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
			    bytes[3], bytes[4], bytes[5]);
	else if (*end == 'P')
		text_printf(out, "%u", ntohs((uint16_t)args[*used]));
	else
		format_number(at, flags, is_long || *end == 'p', *end, args[*used], out);
	++*used;
	return end + 1;
}

static int format_log(const void *record, size_t len, enum log_level *level, struct text *out)
{
	struct dynmon_event_log log;
	char format[DYNMON_EVENT_FORMAT_MAX + 1] = "";
	uint64_t args[DYNMON_EVENT_ARGS];
	size_t used = 0;

	if (len < sizeof(log))
		return -EINVAL;
	memcpy(&log, record, sizeof(log));
	if (log.level >= DIALECT_LEVEL_OFF || log.args_count > DYNMON_EVENT_ARGS ||
	    log.format_len > DYNMON_EVENT_FORMAT_MAX || sizeof(log) + log.format_len > len)
		return -EINVAL;
	memcpy(format, (const char *)record + sizeof(log), log.format_len);
	for (size_t i = 0; i < DYNMON_EVENT_ARGS; i++)
		args[i] = log.args[i];
	*level = dialect_levels[log.level].severity;
	for (const char *at = format; *at;) {
		if (*at == '%')
			at = format_one(at + 1, args, log.args_count, &used, out);
		else
			text_addc(out, *at++);
	}
	return text_status(out);
}

static int format_packet(const void *record, size_t len, enum log_level *level, struct text *out)
{
	struct dynmon_event_packet packet;

	if (len < sizeof(packet))
		return -EINVAL;
	memcpy(&packet, record, sizeof(packet));
	*level = LOG_LEVEL_INFO;
	text_printf(out, "packet of %u bytes sent to the controller, reason %u, metadata %u %u %u",
		    packet.packet_len, packet.reason, packet.md[0], packet.md[1], packet.md[2]);
	return text_status(out);
}

int event_format(const void *record, size_t len, enum log_level *level, struct text *out)
{
	uint16_t kind;

	if (len < sizeof(kind))
		return -EINVAL;
	memcpy(&kind, record, sizeof(kind));
	switch (kind) {
	case DYNMON_EVENT_LOG:
		return format_log(record, len, level, out);
	case DYNMON_EVENT_PACKET:
		return format_packet(record, len, level, out);
	default:
		return -EINVAL;
	}
}

struct event_ring {
	struct ring_buffer *bpf;
	void (*take)(void *data, const void *record, size_t len);
	void *data;
	unsigned int turn; /* remaining records of the current call */
};

static int event_take_sample(void *data, void *sample, size_t len)
{
	struct event_ring *ring = data;

	ring->take(ring->data, sample, len);
	return --ring->turn ? 0 : -EAGAIN; /* an error makes libbpf stop; the next call continues */
}

int event_ring_open(int map_fd, void (*take)(void *data, const void *record, size_t len),
		    void *data, struct event_ring **ret, struct error *err)
{
	struct event_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return error_oom(err);
	*ring = (struct event_ring){ .take = take, .data = data };
	ring->bpf = ring_buffer__new(map_fd, event_take_sample, ring, NULL);
	if (!ring->bpf) {
		int r = -errno;

		free(ring);
		return error_set(err, r, "ring buffer " EVENT_MAP ": %s", strerror(-r));
	}
	*ret = ring;
	return 0;
}

struct event_ring *event_ring_close(struct event_ring *ring)
{
	if (ring)
		ring_buffer__free(ring->bpf);
	free(ring);
	return NULL;
}

int event_ring_fd(const struct event_ring *ring)
{
	return ring_buffer__epoll_fd(ring->bpf);
}

void event_ring_read(struct event_ring *ring)
{
	ring->turn = EVENT_TURN;
	ring_buffer__consume(ring->bpf);
}
