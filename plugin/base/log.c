/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "base/cleanup.h"

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
		log_sink(level, "out of memory while a message was made");
		return;
	}
	for (at = message; *at && lines < LOG_LINES_MAX; lines++) {
		const char *mark = lines ? "  | " : "";
		size_t len = strcspn(at, "\n"), room = LOG_LINE_MAX - strlen(mark);

		if (len > room)
			len = room;
		snprintf(line, sizeof(line), "%s%.*s", mark, (int)len, at);
		for (char *c = line; *c; c++)
			if ((unsigned char)*c < 0x20 && *c != '\t')
				*c = '?';
		log_sink(level, line);
		at += len;
		if (*at == '\n')
			at++;
	}
	if (*at) {
		snprintf(line, sizeof(line), "[%zu more bytes of this message are not shown]",
			 strlen(at));
		log_sink(level, line);
	}
}
