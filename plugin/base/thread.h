/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that block all signals, so that the kernel delivers signals to threads of the daemon. */
#ifndef DYNMON_BASE_THREAD_H
#define DYNMON_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>

/**
 * thread_start() - start a joinable thread with all signals blocked
 * @thread:  receives the thread, which the caller must join
 * @name:    name of the thread, at most 15 bytes
 * @run:     function of the thread
 * @data:    argument of @run
 *
 * Return: 0 or -errno.
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *data);

/*
 * Blocks all signals in the calling thread. Threads and processes that it starts inherit the mask.
 * old receives the previous mask for signals_restore().
 */
void signals_block(sigset_t *old);
void signals_restore(const sigset_t *old);

#endif
