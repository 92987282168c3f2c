/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/inject.h"
#include "base/clock.h"
#include "export/source.h"
#include "monitor/first_packet.h"
#include "monitor/operation.h"

#include <errno.h>

/*
 * Appends one line per phase and one about the first packet. The number of lines is constant and
 * they end the answer, so that a client can tell them from warnings. begun: the result of
 * first_packet_begin(), with its message in packet_err.
 */
static void report_phases(const struct request *request, const struct phase_times *phases,
			  const struct first_packet *first_packet, double wait, int begun,
			  struct error *packet_err, struct text *lines)
{
	static const char *const names[] = {
		[PHASE_PARSE] = "parse",
		[PHASE_COMPILE] = "compile",
		[PHASE_VERIFY] = "verify",
		[PHASE_ATTACH] = "attach",
	};
	int r = begun;

	for (int i = 0; i < PHASE_COUNT; i++)
		text_printf(lines, "%s %.6f\n", names[i], (double)phases->ns[i] * 1e-9);
	text_adds(lines, "first-packet ");
	if (wait <= 0) {
		text_adds(lines, "not waited for\n");
		return;
	}
	if (r == 0)
		r = first_packet_wait(first_packet, request->registry, request->arguments[0], wait,
				      packet_err);
	if (r > 0)
		text_printf(lines, "%.6f\n", (double)(clock_now_ns() - phases->since) * 1e-9);
	else if (r == 0)
		text_printf(lines, "none within %g s\n", wait);
	else
		text_printf(lines, "%s\n", error_message(packet_err));
}

int verb_inject(const struct request *request, struct answer *answer, struct error *err)
{
	_cleanup_(first_packet_end) struct first_packet first_packet = { .counting = -1 };
	_cleanup_error_ struct error packet_err = {};
	struct option_values assignments = request_option_values(request, "set");
	struct phase_times phases = {};
	struct injection injection = {
		.monitor = request->arguments[0],
		.interface = request_option(request, "interface"),
		.file = request_option(request, "file"),
		.bytes = request->payload,
		.len = request->payload_len,
		.phases = &phases,
		.assignments = assignments.items,
		.n_assignments = assignments.n,
		.client_fd = request->client_fd,
	};
	int direction, begun = 0, r;
	bool report;
	double wait;

	r = request_direction(request, true, &direction, err);
	if (r == 0)
		r = request_bool(request, "keep-maps", &injection.keep_maps, err);
	if (r == 0)
		r = request_bool(request, "phases", &report, err);
	if (r == 0)
		r = request_seconds(request, "wait", 0, FIRST_PACKET_SECONDS_MAX, &wait, err);
	if (r == 0 && injection.interface)
		r = monitor_settings_try(injection.monitor, "Interface", injection.interface, err);
	for (size_t i = 0; r == 0 && i < assignments.n; i++) {
		r = presets_check_assignment(assignments.items[i], err);
		if (r < 0)
			error_prefix(err, r, "set");
	}
	if (r < 0)
		return r;
	if (!injection.file == !injection.bytes)
		return error_set(err, -EINVAL, "expected either bytes=N and N bytes, or file=NAME");
	if (!report && request_option(request, "wait"))
		return error_set(err, -EINVAL, "wait: requires phases=true");
	if (direction >= 0) /* the other direction keeps its code */
		injection.leave[!direction] = true;
	if (wait > 0)
		begun = first_packet_begin(&first_packet, &packet_err);
	r = registry_inject(request->registry, &injection, &answer->lines, err);
	if (r < 0)
		return r;
	sources_report_clashes(request->registry, injection.monitor, &answer->lines);
	if (report)
		report_phases(request, &phases, &first_packet, wait, begun, &packet_err,
			      &answer->lines);
	text_printf(&answer->status, "monitor %s: dataplane injected", injection.monitor);
	return 0;
}
