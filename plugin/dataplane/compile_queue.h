/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compile queue limits the number of concurrent compilations to the number of CPUs that this
 * process may use. Other requests wait in FIFO order. The number of waiting requests is limited.
 *
 * Owned by the registry. An internal mutex makes all functions safe to call from any thread. A
 * waiting thread holds at most the control lock of one monitor, which readers do not take.
 */
#ifndef DYNMON_DATAPLANE_COMPILE_QUEUE_H
#define DYNMON_DATAPLANE_COMPILE_QUEUE_H

#include "dataplane/compiler.h"

/*
 * Limit of waiting requests. Lower than the limit of connections of a listener, so that waiting
 * injections leave connections for reads.
 */
#define COMPILE_WAITING_MAX 128

/**
 * compile_queue_new() - allocate a queue
 * @workers:  limit of concurrent compilations, 0 for one per usable CPU
 *
 * Return: the queue, or NULL if memory ran out.
 */
struct compile_queue *compile_queue_new(unsigned int workers);

/**
 * compile_queue_free() - free a queue
 * @queue:  queue without waiting or running compilations, or NULL
 *
 * Return: NULL.
 */
struct compile_queue *compile_queue_free(struct compile_queue *queue);

/**
 * compile_queue_enter() - wait for permission to compile
 * @compiler:  provides the queue, the descriptors that cancel the wait, and unlimited
 * @err:       receives the reason of a failure
 *
 * Call compile_queue_leave() after success.
 *
 * Return: 0 on success or if the compiler has no queue, -EUSERS if COMPILE_WAITING_MAX requests
 * wait and the compiler is not unlimited, -ECANCELED as compiler_run(), other -errno on failure.
 */
int compile_queue_enter(const struct compiler *compiler, struct error *err);

/**
 * compile_queue_leave() - end a compilation and start the next one in the queue
 * @queue:  the queue, or NULL
 */
void compile_queue_leave(struct compile_queue *queue);

#endif
