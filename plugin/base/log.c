/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void sink_stderr(enum log_level level, const char *line)
{
	(void)level;
	fprintf(stderr, "%s\n", line);
}

static void (*log_sink)(enum log_level level, const char *line) = sink_stderr;

void log_set_sink(void (*sink)(enum log_level level, const char *line))
{
	log_sink = sink ? sink : sink_stderr;
}

void log_message(enum log_level level, const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL;
	char line[LOG_LINE_MAX + 1];
	unsigned int lines = 0;
	const char *at;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&message, fmt, ap);
	va_end(ap);
	if (n < 0) {
		message = NULL;
		log_sink(level, "out of memory: a log message is lost");
		return;
	}
	for (at = message; *at && lines < LOG_LINES_MAX; lines++) {
		const char *mark = lines ? "  | " : "";
		size_t begun = strlen(mark);

		memcpy(line, mark, begun);
		at += utf8_show_line(line + begun, sizeof(line) - begun, at, strcspn(at, "\n"),
				     "\t");
		log_sink(level, line);
		at += *at == '\n';
	}
	if (*at) {
		snprintf(line, sizeof(line), "[%zu more bytes of this message are not shown]",
			 strlen(at));
		log_sink(level, line);
	}
}
