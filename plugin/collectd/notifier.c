/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collectd.h"
#include "plugin.h"
#include "utils/common/common.h"

#include "collectd/notifier.h"

#include "base/log.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "export/values.h"
#include "monitor/notification.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#define PLUGIN		     "dynmon"
#define NOTIFIER_SECONDS_MAX 5 /* time for a handler to return at shutdown */

static plugin_ctx_t context; /* context for the notifier's thread */

static struct {
	int stop_fd;
	_Atomic bool stopping;
	bool tried, started;
	pthread_t thread;
} notifier = { .stop_fd = -1 };

static void send_notification(const struct notification *notice)
{
	notification_t to = { .severity = (int)notice->severity, .time = cdtime() };
	_cleanup_text_ struct text interface = {};
	char field[VALUE_FIELD_MAX + 1];

	/* The field that %{interface} has in the values of the interface. */
	text_name(&interface, notice->interface, strlen(notice->interface));
	value_field(text_str(&interface), interface.len, field);
	sstrncpy(to.type_instance, field, sizeof(to.type_instance));
	sstrncpy(to.host, hostname_g, sizeof(to.host));
	sstrncpy(to.plugin, PLUGIN, sizeof(to.plugin));
	sstrncpy(to.plugin_instance, notice->monitor, sizeof(to.plugin_instance));
	sstrncpy(to.message, notice->text, sizeof(to.message));
	plugin_dispatch_notification(&to);
}

static void *notifier_thread(void *data)
{
	struct pollfd polls[2] = {
		{ .fd = notification_fd(), .events = POLLIN },
		{ .fd = notifier.stop_fd, .events = POLLIN },
	};
	struct notification notice;
	uint64_t dropped;

	(void)data;
	plugin_set_ctx(context);
	while (!notifier.stopping) {
		if (poll(polls, 2, -1) < 0)
			continue;
		while (!notifier.stopping && notification_take(&notice, &dropped)) {
			if (dropped)
				log_warning("%llu notifications dropped: the notification handlers "
					    "are too slow",
					    (unsigned long long)dropped);
			send_notification(&notice);
		}
	}
	return NULL;
}

void notifier_run(void)
{
	int r;

	if (notifier.tried || notification_fd() < 0)
		return;
	notifier.tried = true;
	context = plugin_get_ctx();
	notifier.stop_fd = eventfd(0, EFD_CLOEXEC);
	r = notifier.stop_fd < 0
		    ? -errno
		    : thread_start(&notifier.thread, "dynmon-notify", notifier_thread, NULL);
	if (r < 0)
		log_error("notifications: cannot start the thread, none will be sent: %s",
			  strerror(-r));
	notifier.started = r == 0;
}

/* Does not wait for a blocked handler: collectd exits in any case. */
void notifier_stop(void)
{
	struct timespec until;

	if (!notifier.started) {
		notification_close();
		return;
	}
	notifier.stopping = true;
	eventfd_write(notifier.stop_fd, 1);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += NOTIFIER_SECONDS_MAX;
	if (pthread_timedjoin_np(notifier.thread, NULL, &until) != 0) {
		log_warning(
			"a notification handler has not returned within %d s; stopping without it",
			NOTIFIER_SECONDS_MAX);
		return;
	}
	notifier.started = false;
	fd_close(&notifier.stop_fd);
	notification_close();
}
