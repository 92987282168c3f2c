/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saves and restores monitors that were created at run time. */
#include "base/file.h"
#include "base/log.h"
#include "monitor/registry_private.h"
#include "monitor/state_files.h"

#include <errno.h>
#include <fcntl.h>

/* Logged here, because the caller may have no one to report to and the change stands. */
static void registry_keep_tell(const struct error *err, struct text *report)
{
	log_error("%s", error_message(err));
	if (report)
		text_printf(report, "%s\n", error_message(err));
}

/*
 * Two processes with one StateDir would restore the same monitors and overwrite each other's files.
 * Only this case is rejected here; state_files.c reports all other faults of the directory. The
 * lock is taken once the directory exists, and kept.
 */
static int hold_state_dir(struct registry *registry, bool wait, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&registry->lock);
	if (registry->state_fd < 0) {
		_cleanup_close_ int fd =
			open(registry->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = fd < 0 ? 0 : file_lock(fd, wait);
		if (fd >= 0 && r == 0)
			registry->state_fd = steal_fd(&fd);
	}
	pthread_mutex_unlock(&registry->lock);
	return r == -EBUSY ? error_set(err, r,
				       "StateDir %s is in use by another process; give each "
				       "collectd its own StateDir",
				       registry->state_dir)
			   : 0;
}

void registry_keep(struct registry *registry, struct monitor *monitor, struct text *report)
{
	_cleanup_error_ struct error err = {};

	if (!registry->state_dir || monitor->configured)
		return;
	if (hold_state_dir(registry, false, &err) < 0) {
		error_prefix(&err, err.code,
			     "monitor %s is not saved and is lost at the next restart",
			     monitor->settings.name);
		registry_keep_tell(&err, report);
		return;
	}
	if (state_save(registry->state_dir, monitor, &err) < 0)
		registry_keep_tell(&err, report);
	hold_state_dir(registry, false, NULL); /* state_save() may have created the directory */
}

void registry_forget(struct registry *registry, const char *name, struct text *report)
{
	_cleanup_error_ struct error err = {};

	if (!registry->state_dir || hold_state_dir(registry, false, NULL) < 0)
		return;
	if (state_remove(registry->state_dir, name, &err) < 0)
		registry_keep_tell(&err, report);
}

struct restoring {
	struct registry *registry;
	struct text *report;
};

/* A monitor whose dataplane fails stays, with its history, until the next reload. */
static void restore(void *data, struct saved *saved)
{
	struct restoring *restoring = data;
	struct registry *registry = restoring->registry;
	_cleanup_(monitor_unrefp) struct monitor *known =
		registry_find(registry, saved->settings.name);
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	_cleanup_error_ struct error err = {};
	int r;

	if (known) {
		text_printf(restoring->report,
			    "monitor %s is configured by now, what was saved of it is not "
			    "restored\n",
			    saved->settings.name);
		return;
	}
	r = registry_make(registry, &saved->settings, false, 0, &monitor, &err);
	if (r == 0) {
		monitor_begin(monitor);
		monitor->history = saved->history;
		saved->history = (struct history){};
		if (monitor->history.n &&
		    loader_again(&registry->loader, monitor, restoring->report, &err) < 0)
			text_printf(restoring->report, "%s\n", error_message(&err));
		__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
		r = registry_insert(registry, monitor, &err);
		monitor_end(monitor);
	}
	if (r < 0) {
		text_printf(restoring->report, "not restored: %s\n", error_message(&err));
		return;
	}
	registry_report_waiting(monitor, restoring->report);
	registry_tell_added(registry, monitor);
}

int registry_restore(struct registry *registry, const char *dir, struct text *report,
		     struct error *err)
{
	struct restoring restoring = { registry, report };

	registry->state_dir = strdup(dir);
	if (!registry->state_dir)
		return error_oom(err);
	if (hold_state_dir(registry, true, err) < 0)
		return error_prefix(err, -EBUSY, "no monitor is restored or saved");
	return state_load(dir, restore, &restoring, report, err);
}
