/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/watch.h"
#include "base/log.h"
#include "base/thread.h"
#include "kernel/netif.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

struct watch {
	struct registry *registry;
	int fd;
	int stop_fd;
	pthread_t thread;
};

static void *watch_thread(void *data)
{
	struct watch *watch = data;
	struct pollfd polls[2] = {
		{ .fd = watch->fd, .events = POLLIN },
		{ .fd = watch->stop_fd, .events = POLLIN },
	};

	for (;;) {
		int r;

		if (poll(polls, 2, -1) < 0)
			continue;
		if (polls[1].revents)
			return NULL;
		r = netif_watch_drain(watch->fd);
		if (r < 0) {
			log_error("interfaces are not watched any more: %s", strerror(-r));
			return NULL;
		}
		if (r > 0)
			registry_refresh(watch->registry);
	}
}

int watch_start(struct registry *registry, struct watch **ret, struct error *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return error_oom(err);
	watch->registry = registry;
	watch->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	watch->fd = netif_watch_open(err);
	r = watch->fd < 0 ? watch->fd
			  : thread_start(&watch->thread, "dynmon-watch", watch_thread, watch);
	if (r < 0) {
		fd_close(&watch->fd);
		fd_close(&watch->stop_fd);
		free(watch);
		return r;
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
	fd_close(&watch->fd);
	fd_close(&watch->stop_fd);
	free(watch);
	return NULL;
}
