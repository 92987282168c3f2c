/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/trial.h"
#include "base/child.h"
#include "base/image_check.h"

#include <bpf/libbpf.h>
#include <errno.h>

static struct text *trial_warnings;

static int trial_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	_cleanup_free_ char *line = NULL;

	if (level != LIBBPF_WARN)
		return 0;
	if (vasprintf(&line, fmt, ap) < 0) {
		line = NULL;
		return 0;
	}
	text_adds(trial_warnings, strncmp(line, "libbpf: ", 8) ? line : line + 8);
	return 0;
}

int trial_run(const struct text *object, struct text *diagnostics, struct error *err)
{
	static const struct resource_limit limits[] = {
		{ RLIMIT_CPU, TRIAL_CPU_SECONDS, TRIAL_CPU_SECONDS },
		{ RLIMIT_CORE, 0, 0 },
		{ RLIMIT_NPROC, 0, 0 },
#ifndef __SANITIZE_ADDRESS__ /* which needs more memory */
		{ RLIMIT_AS, (rlim_t)TRIAL_MEMORY_MIB << 20, (rlim_t)TRIAL_MEMORY_MIB << 20 },
#endif
	};
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "dynmon");
	struct bpf_object *bpf;
	char reason[128];
	int r = resource_limits_set(limits, ARRAY_SIZE(limits));

	if (r < 0)
		return error_set(err, r, "cannot set the resource limits: %s", strerror(-r));
	if (image_check(object->data, object->len, err) < 0)
		return -EBADMSG;
	trial_warnings = diagnostics;
	libbpf_set_print(trial_print);
	bpf = bpf_object__open_mem(object->data, object->len, &opts);
	if (!bpf) {
		libbpf_strerror(errno, reason, sizeof(reason));
		return error_set(err, -EBADMSG, "%s", reason);
	}
	bpf_object__close(bpf);
	return 0;
}
