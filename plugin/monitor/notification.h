/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices: what operators are told at once: a dataplane that was replaced or could not be, an
 * interface that is gone or back, a monitor in trouble or well again.
 *
 * One queue for the process, as for the log, between those who find something out, under whatever
 * locks, and one thread that passes it on and may be held up for as long as it likes. Until the
 * queue is opened notices go nowhere. All functions are safe from any thread and never wait.
 */
#ifndef DYNMON_MONITOR_NOTIFICATION_H
#define DYNMON_MONITOR_NOTIFICATION_H

#include "base/error.h"
#include "config/settings.h"

#include <net/if.h>
#include <stdint.h>

#define NOTICES_MAX 1000 /* in the queue; further ones are dropped, and counted */
#define NOTIFICATION_TEXT_MAX                                                                      \
	255 /* bytes, as collectd's; a longer text is cut between characters */

/* collectd's own values. */
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

/* -errno: notices go nowhere. */
int notification_open(struct error *err);
/* Forgets what nobody has taken. Nobody may wait on notification_fd() any more. */
void notification_close(void);

/* monitor and interface may be NULL. */
void notification_post(enum notification_severity severity, const char *monitor,
		       const char *interface, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Readable while there are notices; -1 when the queue is not open. */
int notification_fd(void);

/*
 * The oldest notice. 1: taken; 0: there is none.
 * dropped: how many were dropped since this was last asked.
 */
int notification_take(struct notification *ret, uint64_t *dropped);

#endif
