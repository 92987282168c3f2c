/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/trial.h"
#include "base/image_check.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/resource.h>

static struct text *said;

static int print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	_cleanup_free_ char *line = NULL;

	if (level != LIBBPF_WARN)
		return 0;
	if (vasprintf(&line, fmt, ap) < 0) {
		line = NULL;
		return 0;
	}
	text_adds(said, strncmp(line, "libbpf: ", 8) ? line : line + 8);
	return 0;
}

static int trial_limits_set(struct error *err)
{
	static const struct {
		int resource;
		rlim_t max;
	} limits[] = {
		{ RLIMIT_CPU, TRIAL_CPU_SECONDS },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NPROC, 0 },
#ifndef __SANITIZE_ADDRESS__ /* which needs more memory */
		{ RLIMIT_AS, (rlim_t)TRIAL_MEMORY_MIB << 20 },
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = { limits[i].max, limits[i].max }, had;

		/* Keep a lower hard limit, because an unprivileged process cannot raise it. */
		if (getrlimit(limits[i].resource, &had))
			return error_set(err, -errno, "limits: %s", strerror(errno));
		if (had.rlim_max != RLIM_INFINITY && had.rlim_max < limit.rlim_max)
			continue;
		if (setrlimit(limits[i].resource, &limit))
			return error_set(err, -errno, "limits: %s", strerror(errno));
	}
	return 0;
}

int trial_run(const struct text *object, struct text *words, struct error *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "dynmon");
	struct bpf_object *bpf;
	char why[128];
	int r = trial_limits_set(err);

	if (r == 0 && image_check(object->data, object->len, err) < 0)
		r = -EBADMSG;
	if (r < 0)
		return r;
	said = words;
	libbpf_set_print(print);
	bpf = bpf_object__open_mem(object->data, object->len, &opts);
	if (!bpf) {
		libbpf_strerror(errno, why, sizeof(why));
		return error_set(err, -EBADMSG, "%s", why);
	}
	bpf_object__close(bpf);
	return 0;
}
