/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/watch.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "kernel/netif.h"
#include "kernel/netns.h"
#include "monitor/operation.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#define CHECK_MS 500		      /* interval of namespace checks */
#define RETRY_NS (5 * CLOCK_NS_PER_S) /* interval of attachment retries */

/* A network namespace other than collectd's. */
struct space {
	char *name;
	int netns_fd; /* -1: missing */
	int fd;	      /* netlink socket for interface events; -1: none */
	bool wanted;
};

struct watch {
	struct registry *registry;
	int stop_fd;
	pthread_t thread;
	/* -- used by the thread only -- */
	int fd;
	struct space *spaces;
	size_t n_spaces; /* at most MONITORS_MAX */
};

static void space_close(struct space *space)
{
	fd_close(&space->fd);
	fd_close(&space->netns_fd);
}

/*
 * Checks whether a namespace was created or deleted; returns true if so. Closes a deleted
 * namespace, because an open descriptor would keep it alive.
 */
static bool space_check(struct space *space)
{
	struct netns_visit visit;
	int r;

	if (space->netns_fd >= 0 && netns_is(space->netns_fd, space->name))
		return false;
	if (space->netns_fd >= 0) {
		space_close(space);
		return true;
	}
	space->netns_fd = netns_open(space->name, NULL);
	if (space->netns_fd < 0)
		return false;
	r = netns_enter(space->netns_fd, &visit);
	if (r == -EPERM) /* permanent; the monitors report it once */
		return true;
	if (r == 0) {
		space->fd = netif_watch_open(NULL);
		netns_leave(&visit);
	}
	if (space->fd < 0)
		space_close(space);
	return space->fd >= 0;
}

/*
 * Brings the spaces in line with the monitors and the existing namespaces. Returns true if
 * interfaces must be scanned. Without memory the next check retries.
 */
static bool update_spaces(struct watch *watch)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	bool changed = false;

	if (registry_list(watch->registry, NULL, &list, NULL) < 0)
		return false;
	for (size_t i = 0; i < watch->n_spaces; i++)
		watch->spaces[i].wanted = false;
	for (size_t i = 0; i < list.n; i++) {
		_cleanup_(monitor_settings_unrefp) struct monitor_settings *settings =
			monitor_get_settings(list.monitors[i]);
		_cleanup_free_ char *name = NULL;
		size_t at = 0;

		if (!settings->netns)
			continue;
		while (at < watch->n_spaces && strcmp(watch->spaces[at].name, settings->netns) != 0)
			at++;
		if (at == watch->n_spaces) {
			name = at < MONITORS_MAX ? strdup(settings->netns) : NULL;
			if (!name || !array_append(watch->spaces, watch->n_spaces))
				continue;
			watch->spaces[at] = (struct space){ steal_ptr(&name), -1, -1, false };
		}
		watch->spaces[at].wanted = true;
	}
	for (size_t i = watch->n_spaces; i-- > 0;) {
		struct space *space = &watch->spaces[i];

		if (space->wanted) {
			changed = space_check(space) || changed;
			continue;
		}
		space_close(space);
		free(space->name);
		*space = watch->spaces[--watch->n_spaces];
	}
	return changed;
}

/*
 * Returns 1 if interfaces have changed, 0 if not, -errno if the socket in collectd's namespace
 * failed.
 */
static int drain_sockets(struct watch *watch)
{
	int changed = netif_watch_drain(watch->fd);

	for (size_t i = 0; i < watch->n_spaces && changed >= 0; i++) {
		struct space *space = &watch->spaces[i];
		int r = space->fd < 0 ? 0 : netif_watch_drain(space->fd);

		if (r < 0) /* the next check opens it again */
			space_close(space);
		changed = changed || r;
	}
	return changed;
}

static void *watch_thread(void *data)
{
	struct watch *watch = data;
	bool again = true;     /* interfaces may have changed before the socket was opened */
	uint64_t retry_at = 0; /* when to retry failed attachments; 0: there are none */
	eventfd_t value;

	for (;;) {
		struct pollfd polls[3 + MONITORS_MAX] = {
			{ .fd = watch->stop_fd, .events = POLLIN },
			{ .fd = watch->registry->list_fd, .events = POLLIN },
			{ .fd = watch->fd, .events = POLLIN },
		};
		uint64_t now;
		int timeout, r;

		again = update_spaces(watch) || again;
		for (size_t i = 0; i < watch->n_spaces; i++)
			polls[3 + i] =
				(struct pollfd){ .fd = watch->spaces[i].fd, .events = POLLIN };
		if (again)
			registry_refresh(watch->registry);
		again = false;
		now = clock_now_ns();
		if (now >= retry_at)
			retry_at = registry_retry(watch->registry) ? now + RETRY_NS : 0;
		/* list_fd reports a new reason to retry */
		timeout = retry_at ? (int)((retry_at - now) / 1000000) + 1 : -1;
		if (poll(polls, 3 + watch->n_spaces, watch->n_spaces ? CHECK_MS : timeout) < 0)
			continue;
		if (polls[0].revents)
			return NULL;
		if (polls[1].revents)
			eventfd_read(watch->registry->list_fd, &value);
		r = drain_sockets(watch);
		if (r < 0) {
			log_error("interfaces are not watched any more: %s", error_text(r));
			return NULL;
		}
		if (r > 0)
			registry_refresh(watch->registry);
	}
}

static struct watch *watch_free(struct watch *watch)
{
	for (size_t i = 0; i < watch->n_spaces; i++) {
		space_close(&watch->spaces[i]);
		free(watch->spaces[i].name);
	}
	free(watch->spaces);
	fd_close(&watch->fd);
	fd_close(&watch->stop_fd);
	free(watch);
	return NULL;
}

int watch_start(struct registry *registry, struct watch **ret, struct error *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return error_oom(err);
	watch->registry = registry;
	watch->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = watch->stop_fd < 0 ? error_set(err, -errno, "eventfd: %s", error_text(-errno)) : 0;
	watch->fd = r == 0 ? netif_watch_open(err) : -1;
	if (r == 0 && watch->fd < 0)
		r = watch->fd;
	if (r == 0) {
		r = thread_start(&watch->thread, "dynmon-watch", watch_thread, watch);
		if (r < 0)
			error_set(err, r, "thread: %s", error_text(r));
	}
	if (r < 0) {
		watch_free(watch);
		return error_prefix(err, r, "interfaces cannot be watched");
	}
	*ret = watch;
	return 0;
}

struct watch *watch_stop(struct watch *watch)
{
	if (!watch)
		return NULL;
	eventfd_write(watch->stop_fd, 1);
	pthread_join(watch->thread, NULL);
	return watch_free(watch);
}
