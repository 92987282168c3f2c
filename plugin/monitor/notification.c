/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/notification.h"
#include "base/utf8.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>

static struct {
	pthread_mutex_t lock; /* innermost lock: no other lock is taken under it */
	/* -- protected by lock -- */
	struct notification *ring; /* NULL: not open */
	size_t first, n;
	uint64_t dropped;
	int fd;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

int notification_open(struct error *err)
{
	struct notification *ring = calloc(NOTICES_MAX, sizeof(*ring));
	int fd = ring ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	int r = !ring ? -ENOMEM : fd < 0 ? -errno : 0;

	if (r < 0) {
		free(ring);
		return error_set(err, r, "notifications: %s", error_text(r));
	}
	notification_close();
	pthread_mutex_lock(&queue.lock);
	queue.ring = ring;
	queue.fd = fd;
	pthread_mutex_unlock(&queue.lock);
	return 0;
}

void notification_close(void)
{
	pthread_mutex_lock(&queue.lock);
	free(queue.ring);
	fd_close(&queue.fd);
	queue.ring = NULL;
	queue.first = queue.n = 0;
	queue.dropped = 0;
	pthread_mutex_unlock(&queue.lock);
}

/*
 * The text is one line of valid UTF-8 without terminal controls, because handlers write it to logs,
 * mail and pagers.
 */
void notification_post(enum notification_severity severity, const char *monitor,
		       const char *interface, const char *fmt, ...)
{
	char text[NOTIFICATION_TEXT_MAX + 4]; /* room for a complete last character */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	pthread_mutex_lock(&queue.lock);
	if (queue.ring && queue.n < NOTICES_MAX) {
		struct notification *notice = &queue.ring[(queue.first + queue.n++) % NOTICES_MAX];

		notice->severity = severity;
		snprintf(notice->monitor, sizeof(notice->monitor), "%s", monitor ? monitor : "");
		snprintf(notice->interface, sizeof(notice->interface), "%s",
			 interface ? interface : "");
		utf8_show_line(notice->text, sizeof(notice->text), text, strlen(text), "");
		eventfd_write(queue.fd, 1);
	} else if (queue.ring) {
		queue.dropped++;
	}
	pthread_mutex_unlock(&queue.lock);
}

int notification_fd(void)
{
	int fd;

	pthread_mutex_lock(&queue.lock);
	fd = queue.fd;
	pthread_mutex_unlock(&queue.lock);
	return fd;
}

int notification_take(struct notification *ret, uint64_t *dropped)
{
	eventfd_t value;
	int taken = 0;

	pthread_mutex_lock(&queue.lock);
	*dropped = queue.dropped;
	queue.dropped = 0;
	if (queue.n) {
		*ret = queue.ring[queue.first];
		queue.first = (queue.first + 1) % NOTICES_MAX;
		taken = 1;
		if (!--queue.n)
			eventfd_read(queue.fd, &value);
	}
	pthread_mutex_unlock(&queue.lock);
	return taken;
}
