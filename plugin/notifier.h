/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passes notices on as collectd's notifications. collectd's handlers are called by the thread that
 * dispatches, and may take their time: it is a thread of its own, which holds no lock meanwhile.
 * There is one notifier.
 */
#ifndef DYNMON_NOTIFIER_H
#define DYNMON_NOTIFIER_H

#include "base/error.h"

/* Opens the queue of notices, too. To be called from the plugin's init callback. */
int notifier_start(struct error *err);

/* Also when it was never started. A handler that does not return is left alone after a while. */
void notifier_stop(void);

#endif
