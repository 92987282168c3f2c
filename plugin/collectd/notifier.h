/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passes the plugin's notices to collectd as notifications. collectd calls its notification
 * handlers in the dispatching thread, and a handler may block. The notifier therefore has its own
 * thread, which holds no lock during a dispatch. The process has one notifier.
 */
#ifndef DYNMON_COLLECTD_NOTIFIER_H
#define DYNMON_COLLECTD_NOTIFIER_H

/**
 * notifier_run() - start the notifier if the notification queue is open
 *
 * Further calls do nothing. Call this from a read callback: other plugins register their handlers
 * during init, and collectd's list of handlers has no lock.
 */
void notifier_run(void);

/*
 * Stops the notifier and closes the queue. Closes the queue even if the notifier was not started.
 * If a handler blocks for several seconds, the thread and the queue are abandoned.
 */
void notifier_stop(void);

#endif
