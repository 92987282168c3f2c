/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that leave all signals to the daemon's own. */
#ifndef DYNMON_BASE_THREAD_H
#define DYNMON_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>

/*
 * Starts a joinable thread with all signals blocked. name: at most 15 bytes.
 * 0 or -errno.
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *data);

/* Blocks all signals in the calling thread, so that what it starts inherits that. */
void signals_block(sigset_t *old);
void signals_restore(const sigset_t *old);

#endif
