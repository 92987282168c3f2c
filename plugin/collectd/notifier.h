/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passes notices on as collectd's notifications. collectd's handlers are called by the thread that
 * dispatches, and may take their time: it is a thread of its own, which holds no lock meanwhile.
 * There is one notifier.
 */
#ifndef DYNMON_COLLECTD_NOTIFIER_H
#define DYNMON_COLLECTD_NOTIFIER_H

/*
 * Starts to pass on what is in the queue of notices, once it is open; further calls do nothing.
 * From a read callback: while plugins are initialized they register their handlers, and collectd's
 * list of those has no lock.
 */
void notifier_run(void);

/* Closes the queue, too; also when nothing was started. A handler that does not return is left
 * alone after a while. */
void notifier_stop(void);

#endif
