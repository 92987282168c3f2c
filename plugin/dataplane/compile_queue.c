/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/compile_queue.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>

/* A waiting request, on the stack of its thread. Fields other than fd are protected by the lock. */
struct waiter {
	int fd;	      /* eventfd, readable once the turn is granted */
	bool granted; /* the waiter is off the list and counted in running */
	struct waiter *next;
};

struct compile_queue {
	unsigned int workers;
	pthread_mutex_t lock;
	/* -- protected by lock -- */
	unsigned int running, waiting;
	struct waiter *first, **end;
};

static unsigned int usable_cpus(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned int)CPU_COUNT(&set);
	online = sysconf(_SC_NPROCESSORS_ONLN); /* cpu_set_t is too small */
	return online > 0 ? (unsigned int)online : 1;
}

struct compile_queue *compile_queue_new(unsigned int workers)
{
	struct compile_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->workers = workers ? workers : usable_cpus();
	queue->end = &queue->first;
	pthread_mutex_init(&queue->lock, NULL);
	return queue;
}

struct compile_queue *compile_queue_free(struct compile_queue *queue)
{
	if (!queue)
		return NULL;
	pthread_mutex_destroy(&queue->lock);
	free(queue);
	return NULL;
}

/* Called with lock held. Grants turns in FIFO order while workers are free. */
static void grant_turns(struct compile_queue *queue)
{
	while (queue->first && queue->running < queue->workers) {
		struct waiter *waiter = queue->first;

		queue->first = waiter->next;
		if (!queue->first)
			queue->end = &queue->first;
		queue->waiting--;
		queue->running++;
		waiter->granted = true;
		eventfd_write(waiter->fd, 1);
	}
}

/* Waits until the turn of a listed waiter is granted. After a failure the waiter is not listed. */
static int wait_for_turn(struct compile_queue *queue, const struct compiler *compiler,
			 struct waiter *waiter, struct error *err)
{
	struct pollfd polls[COMPILER_CANCEL_FDS + 1];
	int r = 0;

	compiler_watch(compiler, polls);
	polls[COMPILER_CANCEL_FDS] = (struct pollfd){ .fd = waiter->fd, .events = POLLIN };
	do {
		if (poll(polls, COMPILER_CANCEL_FDS + 1, -1) < 0 && errno != EINTR)
			r = error_set(err, -errno, "waiting for a compilation: %s",
				      strerror(errno));
		else
			r = compiler_check(polls, err);
	} while (r == 0 && !polls[COMPILER_CANCEL_FDS].revents);
	/*
	 * The lock is taken also on success: grant_turns() may still use the waiter, which lives on
	 * the stack of this thread.
	 */
	pthread_mutex_lock(&queue->lock);
	if (r < 0) {
		if (waiter->granted) {
			queue->running--;
		} else {
			struct waiter **at = &queue->first;

			while (*at != waiter)
				at = &(*at)->next;
			*at = waiter->next;
			if (!*at)
				queue->end = at;
			queue->waiting--;
		}
		grant_turns(queue);
	}
	pthread_mutex_unlock(&queue->lock);
	return r;
}

int compile_queue_enter(const struct compiler *compiler, struct error *err)
{
	struct compile_queue *queue = compiler->queue;
	_cleanup_close_ int fd = -1;
	struct pollfd polls[COMPILER_CANCEL_FDS];
	struct waiter waiter = {};
	unsigned int waiting;
	bool full, gone;

	if (!queue)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return error_set(err, -errno, "waiting for a compilation: %s", strerror(errno));
	waiter.fd = fd;
	compiler_watch(compiler, polls);
	gone = poll(polls, COMPILER_CANCEL_FDS, 0) > 0;
	pthread_mutex_lock(&queue->lock);
	waiting = queue->waiting;
	full = !compiler->unlimited && waiting >= COMPILE_WAITING_MAX;
	if (!full && !gone) {
		*queue->end = &waiter;
		queue->end = &waiter.next;
		queue->waiting++;
		grant_turns(queue);
	}
	pthread_mutex_unlock(&queue->lock);
	if (full)
		return error_set(err, -EUSERS,
				 "too many compilations wait (%u); nothing was done, try again",
				 waiting);
	if (gone)
		return compiler_check(polls, err);
	return wait_for_turn(queue, compiler, &waiter, err);
}

void compile_queue_leave(struct compile_queue *queue)
{
	if (!queue)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->running--;
	grant_turns(queue);
	pthread_mutex_unlock(&queue->lock);
}
