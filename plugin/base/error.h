/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words that go with a failed call.
 *
 * A function that can fail for a reason worth telling returns -errno and takes a
 * struct error * as its last argument. The caller owns the object: zero it, pass it
 * down, error_release() it. It may be NULL everywhere, when the words are not wanted.
 * The message may have many lines (a compiler's diagnostics, a verifier's log).
 */
#ifndef DYNMON_BASE_ERROR_H
#define DYNMON_BASE_ERROR_H

#include "base/cleanup.h"

/* Longest message kept; what is longer loses its middle, not its end. */
#define ERROR_MESSAGE_MAX (256 * 1024)

struct error {
	int code;      /* -errno, 0 while nothing failed */
	char *message; /* owned; NULL while nothing failed or when memory ran out */
};

/*
 * Sets code (-errno, negative) and message, in place of what was there.
 * Returns code, so that a caller can write: return error_set(err, -EINVAL, ...);
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<words>: " before the message. Returns code, with which the call failed. */
int error_prefix(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* -ENOMEM with its message. */
int error_oom(struct error *err);

/**
 * error_text() - what an error code means, and what to do when a resource is exhausted
 * @code:  -errno
 *
 * Return: a string as strerror()'s, valid until the thread's next call. It names the limit of
 * descriptors when that is the cause.
 */
const char *error_text(int code);

/* The message; never NULL. Valid until the next call on err. */
const char *error_message(const struct error *err);

/* Frees the message and makes err ready for use again. */
void error_release(struct error *err);

#define _cleanup_error_ _cleanup_(error_release)

#endif
