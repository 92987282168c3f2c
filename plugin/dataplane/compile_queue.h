/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue of compilations. As many compilations run at once as this process may use CPUs; the
 * others wait, first come, first served. The number of requests that wait is limited.
 *
 * Owned by the registry. Safe from any thread. A waiting thread holds at most the control lock of
 * one monitor, which no reader takes.
 */
#ifndef DYNMON_DATAPLANE_COMPILE_QUEUE_H
#define DYNMON_DATAPLANE_COMPILE_QUEUE_H

#include "dataplane/compiler.h"

/*
 * Requests that may wait: fewer than the connections of a listener, so that reads get connections.
 */
#define COMPILE_WAITING_MAX 128

/**
 * compile_queue_new() - make a queue
 * @workers:  compilations that may run at once; 0: one for each CPU
 *
 * Return: the queue, NULL when memory ran out.
 */
struct compile_queue *compile_queue_new(unsigned int workers);

/* No thread may be waiting. Accepts NULL. */
struct compile_queue *compile_queue_free(struct compile_queue *queue);

/**
 * compile_queue_enter() - wait until a compilation may run
 * @compiler:  its queue, the descriptors that end the wait, and patient
 *
 * After success, compile_queue_leave() must follow.
 *
 * Return: 0, also without a queue; -EUSERS if COMPILE_WAITING_MAX others wait; -ECANCELED as
 * compiler_run(); other -errno on failure.
 */
int compile_queue_enter(const struct compiler *compiler, struct error *err);
void compile_queue_leave(struct compile_queue *queue);

#endif
