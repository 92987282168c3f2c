/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An error code with a message.
 *
 * A function whose failures need an explanation returns -errno and takes a struct error * as its
 * last argument. The caller owns the object: zero it, pass it down, call error_release(). Functions
 * accept NULL if the caller does not need the message. A message can have many lines, for example
 * compiler diagnostics or a verifier log. An object is used by one thread at a time.
 */
#ifndef DYNMON_BASE_ERROR_H
#define DYNMON_BASE_ERROR_H

#include "base/cleanup.h"

/* Maximum length of a message in bytes. A longer message loses its middle and keeps its end. */
#define ERROR_MESSAGE_MAX (256 * 1024)

struct error {
	int code;      /* -errno, 0 if no error occurred */
	char *message; /* owned; NULL if no error occurred or memory ran out */
};

/**
 * error_set() - replace code and message
 * @err:   error object, may be NULL
 * @code:  -errno, negative
 * @fmt:   format of the message, as of printf()
 *
 * The arguments may point into the old message.
 *
 * Return: @code, so that a caller can write: return error_set(err, -EINVAL, ...);
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * error_prefix() - put a prefix and ": " before the message
 * @err:   error object, may be NULL
 * @code:  -errno of the failed call; replaces the code
 * @fmt:   format of the prefix, as of printf()
 *
 * Return: @code.
 */
int error_prefix(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets -ENOMEM with its message, and returns -ENOMEM. */
int error_oom(struct error *err);

/**
 * error_text() - describe an error code
 * @code:  -errno
 *
 * For -EMFILE and -ENFILE the text names the limit and the setting that raises it.
 *
 * Return: a string like that of strerror(), valid until the next call in the same thread.
 */
const char *error_text(int code);

/**
 * error_message() - get the message
 * @err:  error object, not NULL
 *
 * Return: the message, or a description of the code if memory for a message ran out. Never NULL;
 * valid until @err changes.
 */
const char *error_message(const struct error *err);

/* Frees the message and resets err, which must not be NULL. err can then be used again. */
void error_release(struct error *err);

#define _cleanup_error_ _cleanup_(error_release)

#endif
