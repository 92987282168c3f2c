/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifications for operators: a dataplane was replaced or could not be replaced, an interface
 * disappeared or returned, a monitor became unhealthy or recovered.
 *
 * The process has one queue. Producers post under any lock. One consumer thread passes
 * notifications to collectd and may block for any time. Notifications are discarded until the queue
 * is opened. All functions are safe from any thread and never wait.
 */
#ifndef DYNMON_MONITOR_NOTIFICATION_H
#define DYNMON_MONITOR_NOTIFICATION_H

#include "base/error.h"
#include "config/settings.h"

#include <net/if.h>
#include <stdint.h>

#define NOTICES_MAX 1000 /* length of the queue; further notifications are dropped and counted */
#define NOTIFICATION_TEXT_MAX                                                                      \
	255 /* bytes, the limit of collectd; a longer text is cut between characters */

/* The values are those of collectd. */
enum notification_severity {
	NOTIFICATION_FAILURE = 1,
	NOTIFICATION_WARNING = 2,
	NOTIFICATION_OKAY = 4
};

struct notification {
	enum notification_severity severity;
	char monitor[MONITOR_NAME_MAX + 1]; /* "": the plugin itself */
	char interface[IF_NAMESIZE];	    /* "": no particular one; any bytes, as in the kernel */
	char text[NOTIFICATION_TEXT_MAX + 1]; /* one line, printable, see utf8_show() */
};

/**
 * notification_open() - open the queue
 * @err: receives the reason of a failure
 *
 * Return: 0; -errno if notifications are discarded.
 */
int notification_open(struct error *err);

/**
 * notification_close() - close the queue and discard its content
 *
 * No thread may wait on notification_fd() any more.
 */
void notification_close(void);

/**
 * notification_post() - append a notification to the queue
 * @severity:  one of enum notification_severity
 * @monitor:   name of the monitor; NULL for the plugin itself
 * @interface: name of the interface; may be NULL
 * @fmt:       printf() format of the text
 */
void notification_post(enum notification_severity severity, const char *monitor,
		       const char *interface, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * notification_fd() - the descriptor to poll
 *
 * Return: a descriptor that is readable while the queue is not empty; -1 if the queue is not open.
 */
int notification_fd(void);

/**
 * notification_take() - take the oldest notification
 * @ret:     receives the notification
 * @dropped: receives the number of notifications dropped since the last call
 *
 * Return: 1 if a notification was taken, 0 if the queue is empty.
 */
int notification_take(struct notification *ret, uint64_t *dropped);

#endif
