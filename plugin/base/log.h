/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where log lines go. The plugin hands them to collectd, a program to stderr.
 *
 * Only entry points log: a thread's loop, a collectd callback, a command's main. Library
 * code returns errors. The sink is set once before threads start; it must be safe to
 * call from any thread.
 */
#ifndef DYNMON_BASE_LOG_H
#define DYNMON_BASE_LOG_H

/* As syslog's, which collectd uses. */
enum log_level { LOG_LEVEL_ERR = 3, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO };

/* collectd cuts a line at 1024 bytes with its own prefix. */
#define LOG_LINE_MAX 960
/* No message writes more lines than this; the rest is counted in a last one. */
#define LOG_LINES_MAX 200

/* NULL: to stderr, which is the default. */
void log_set_sink(void (*sink)(enum log_level level, const char *line));

/*
 * Logs the message line by line: newlines end a line, a long line is split between characters.
 * Messages quote untrusted text. Every line but the first starts with "  | ", so that no line can
 * be mistaken for a separate message. All characters that are not printable except tabs are
 * escaped, see utf8_show(): a line is valid UTF-8 without terminal control sequences.
 */
void log_message(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_message(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_message(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_message(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
