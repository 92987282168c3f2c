/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cleanup of local variables when they go out of scope.
 *
 * Destructors accept NULL and half-built objects. steal_ptr() and steal_fd() transfer ownership in
 * one visible line: *ret = steal_ptr(&p);
 */
#ifndef DYNMON_BASE_CLEANUP_H
#define DYNMON_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Defines f##p(T *) for use as _cleanup_(f##p). f##p() calls f() unless the pointer is NULL. */
#define DEFINE_CLEANUP(T, f)                                                                       \
	static inline void f##p(T *p)                                                              \
	{                                                                                          \
		if (*p)                                                                            \
			f(*p);                                                                     \
	}                                                                                          \
	struct dynmon_swallow_semicolon

/* Returns the pointer at pp and sets it to NULL, so that its cleanup does nothing. */
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

/* Closes *fd unless it is negative, and sets it to -1. */
static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Returns the descriptor at fd and sets it to -1, so that its cleanup does nothing. */
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
