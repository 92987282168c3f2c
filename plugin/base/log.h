/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log messages. The plugin sends them to collectd, a program to stderr.
 *
 * Only entry points log: the loop of a thread, a collectd callback, main() of a command. Library
 * code returns errors. The sink is set once before threads start, so no lock guards it. The sink
 * must be safe from any thread.
 */
#ifndef DYNMON_BASE_LOG_H
#define DYNMON_BASE_LOG_H

/* The numbers of syslog, which collectd uses too. */
enum log_level { LOG_LEVEL_ERR = 3, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO };

/* Maximum bytes of a line. collectd truncates a line, including its prefix, at 1024 bytes. */
#define LOG_LINE_MAX 960
/* Maximum lines of a message. One more line tells how many bytes were omitted. */
#define LOG_LINES_MAX 200

/**
 * log_set_sink() - set the function that receives log lines
 * @sink:  called once for each line, without its newline; NULL for stderr, the default
 *
 * Call before other threads start.
 */
void log_set_sink(void (*sink)(enum log_level level, const char *line));

/**
 * log_message() - log a message line by line
 * @level:  severity
 * @fmt:    format of the message, as of printf()
 *
 * Lines longer than LOG_LINE_MAX are split between characters. Messages can quote untrusted text.
 * Therefore every line but the first starts with "  | ", so that a continuation line cannot pass as
 * a separate message. All characters that are not printable, except tabs, are escaped as in
 * utf8_show(), so that a line is valid UTF-8 without terminal control sequences. Safe from any
 * thread. Lines of one message and of other threads can interleave.
 */
void log_message(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_message(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_message(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_message(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
