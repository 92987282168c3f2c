/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/libbpf_log.h"

#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct text *captured;

static int libbpf_log_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	_cleanup_free_ char *line = NULL;

	if (level != LIBBPF_WARN || !captured)
		return 0;
	if (vasprintf(&line, fmt, ap) < 0) {
		line = NULL;
		return 0;
	}
	/* libbpf prints this advice for kernels before 5.11, regardless of the reason. */
	if (strstr(line, "ulimit -l") || strstr(line, "RLIMIT_MEMLOCK"))
		return 0;
	text_adds(captured, strncmp(line, "libbpf: ", 8) ? line : line + 8);
	return 0;
}

static void libbpf_log_install(void)
{
	libbpf_set_print(libbpf_log_print);
}

void libbpf_log_begin(struct text *to)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, libbpf_log_install);
	captured = to;
}

void libbpf_log_end(void)
{
	captured = NULL;
}
