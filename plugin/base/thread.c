/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/thread.h"

void signals_block(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, old);
}

void signals_restore(const sigset_t *old)
{
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *data)
{
	sigset_t old;
	int r;

	signals_block(&old);
	r = pthread_create(thread, NULL, run, data);
	signals_restore(&old);
	if (r == 0)
		pthread_setname_np(*thread, name);
	return -r;
}
