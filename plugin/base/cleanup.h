/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cleanup of locals when they go out of scope.
 *
 * A destructor takes NULL and half-made objects. Ownership is given away in one
 * visible line: *ret = steal_ptr(&p);
 */
#ifndef DYNMON_BASE_CLEANUP_H
#define DYNMON_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Defines f##p(T *) for _cleanup_(f##p): calls f() unless the pointer is NULL. */
#define DEFINE_CLEANUP(T, f)                                                                       \
	static inline void f##p(T *p)                                                              \
	{                                                                                          \
		if (*p)                                                                            \
			f(*p);                                                                     \
	}                                                                                          \
	struct dynmon_swallow_semicolon

#define steal_ptr(pp)                                                                              \
	({                                                                                         \
		__auto_type steal_pp = (pp);                                                       \
		__auto_type steal_p = *steal_pp;                                                   \
		*steal_pp = NULL;                                                                  \
		steal_p;                                                                           \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void freep(void *p)
{
	free(*(void **)p);
}

/* Closes *fd if it is open and marks it closed. */
static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

DEFINE_CLEANUP(FILE *, fclose);

#define _cleanup_free_	 _cleanup_(freep)
#define _cleanup_close_	 _cleanup_(fd_close)
#define _cleanup_fclose_ _cleanup_(fclosep)

#endif
