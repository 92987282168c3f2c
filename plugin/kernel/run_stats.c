/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/run_stats.h"
#include "base/cleanup.h"
#include "kernel/object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <string.h>

static struct {
	pthread_mutex_t lock;
	/* -- protected by lock -- */
	int fd; /* the kernel counts while it is open; -1: off */
} stats_on = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

int run_stats_open(struct error *err)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	return fd < 0 ? error_set(err, fd, "cannot enable run statistics: %s%s", strerror(-fd),
				  fd == -EPERM ? "; this needs CAP_SYS_ADMIN" : "")
		      : fd;
}

int run_stats_switch(bool on, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&stats_on.lock);
	if (on && stats_on.fd < 0) {
		int fd = run_stats_open(err);

		if (fd >= 0)
			stats_on.fd = fd;
		r = fd < 0 ? error_prefix(err, fd, "RunStats") : 1;
	} else if (!on && stats_on.fd >= 0) {
		fd_close(&stats_on.fd);
		r = 1;
	}
	pthread_mutex_unlock(&stats_on.lock);
	return r;
}

bool run_stats_are_on(void)
{
	bool on;

	pthread_mutex_lock(&stats_on.lock);
	on = stats_on.fd >= 0;
	pthread_mutex_unlock(&stats_on.lock);
	return on;
}

void run_stats_add(struct run_stats *stats, int prog_fd)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	if (prog_fd < 0 || bpf_obj_get_info_by_fd(prog_fd, &info, &len) < 0)
		return;
	stats->runs += info.run_cnt;
	stats->ns += info.run_time_ns;
}

void run_stats_add_object(struct run_stats *stats, const struct object *object)
{
	for (size_t i = 0; i < object->n_programs; i++)
		run_stats_add(stats, object->programs[i].fd);
}

uint64_t run_stats_since(const struct object *object, uint64_t since)
{
	uint64_t runs = 0;

	for (size_t i = 0; i < object->n_programs; i++) {
		struct bpf_prog_info info = {};
		uint32_t len = sizeof(info);
		int fd = object->programs[i].fd;

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
		    info.load_time >= since)
			runs += info.run_cnt;
	}
	return runs;
}
