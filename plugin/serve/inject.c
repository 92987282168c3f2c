/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/inject.h"
#include "base/clock.h"
#include "monitor/first_packet.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

/* direction=ingress leaves egress unchanged, and vice versa. */
static int inject_take_direction(const struct request *request, struct injection *injection,
				 struct error *err)
{
	const char *name = command_option(request->command, "direction");
	int direction;

	if (!name || !strcasecmp(name, "both"))
		return 0;
	direction = direction_from_name(name);
	if (direction < 0)
		return error_set(err, -EINVAL,
				 "direction: expected both, ingress or egress, found \"%.60s\"",
				 name);
	injection->leave[!direction] = true;
	return 0;
}

/* Optional output that the client requested. */
struct question {
	bool phases;
	double wait; /* seconds to wait for the first packet */
};

static int take_question(const struct request *request, struct question *ret, struct error *err)
{
	const char *wait = command_option(request->command, "wait");
	int r = request_bool(request, "phases", &ret->phases, err);
	char *end;

	ret->wait = 0;
	if (r < 0 || !wait)
		return r;
	ret->wait = strtod(wait, &end);
	if (!isdigit((unsigned char)*wait) || *end || ret->wait > FIRST_PACKET_SECONDS_MAX)
		return error_set(err, -EINVAL,
				 "wait: expected seconds, from 0 to %d, found \"%.60s\"",
				 FIRST_PACKET_SECONDS_MAX, wait);
	return ret->phases ? 0 : error_set(err, -EINVAL, "wait: expected phases=true with it");
}

/*
 * Appends one line per phase. The number of lines is constant and they end the answer, so that a
 * client can tell them from warnings.
 */
static void tell_phases(const struct phase_times *phases, struct text *lines)
{
	for (int i = 0; i < PHASE_COUNT; i++)
		text_printf(lines, "%s %.6f\n", phase_name((enum phase)i),
			    (double)phases->ns[i] * 1e-9);
}

static void tell_first_packet(const struct request *request, const struct question *question,
			      const struct first_packet *first_packet, uint64_t switched,
			      struct text *lines)
{
	_cleanup_error_ struct error err = {};
	int r = first_packet_wait(first_packet, request->registry, request->command->words[1],
				  question->wait, &err);

	text_adds(lines, "first-packet ");
	if (r > 0)
		text_printf(lines, "%.6f\n", (double)(clock_now_ns() - switched) * 1e-9);
	else if (r == 0)
		text_printf(lines, "none within %g s\n", question->wait);
	else
		text_printf(lines, "%s\n", error_message(&err));
}

static int inject_inject(const struct request *request, const struct injection *injection,
			 struct answer *answer, struct error *err)
{
	_cleanup_(first_packet_end) struct first_packet first_packet = { .counting = -1 };
	_cleanup_error_ struct error why = {};
	struct question question;
	int r = take_question(request, &question, err);

	if (r < 0)
		return r;
	if (question.wait > 0)
		first_packet_begin(&first_packet, &why);
	r = registry_inject(request->registry, injection, &answer->lines, err);
	if (r < 0 || !question.phases)
		return r;
	tell_phases(injection->phases, &answer->lines);
	if (first_packet.counting >= 0)
		tell_first_packet(request, &question, &first_packet, injection->phases->since,
				  &answer->lines);
	else
		text_printf(&answer->lines, "first-packet %s\n",
			    question.wait > 0 ? error_message(&why) : "not waited for");
	return 0;
}

int verb_inject(const struct request *request, struct answer *answer, struct error *err)
{
	struct phase_times phases = {};
	struct injection injection = {
		.monitor = request->command->words[1],
		.interface = command_option(request->command, "interface"),
		.file = command_option(request->command, "file"),
		.bytes = request->payload,
		.len = request->payload_len,
		.phases = &phases,
		.client_fd = request->client_fd,
	};
	int r = inject_take_direction(request, &injection, err);

	if (r == 0)
		r = request_bool(request, "keep-maps", &injection.keep_maps, err);
	if (r == 0 && injection.interface)
		r = monitor_settings_try(injection.monitor, "Interface", injection.interface, err);
	if (r < 0)
		return r;
	if (!injection.file == !injection.bytes)
		return error_set(err, -EINVAL, "expected either bytes=N and N bytes, or file=NAME");
	r = inject_inject(request, &injection, answer, err);
	if (r == 0)
		text_printf(&answer->status, "monitor %s: dataplane injected", injection.monitor);
	return r;
}
