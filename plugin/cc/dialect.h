/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator from the Dynmon dialect to C.
 *
 * The input is the output of the preprocessor with dynmon/dialect.h. The result is compiled with
 * dynmon/methods.h included first. The translator rewrites the two constructs that macros cannot
 * express:
 *
 *	dynmon_table("hash", ...	becomes	dynmon_table_hash( ...
 *	MAP.lookup(&key)		becomes	dynmon_lookup(MAP,(&key))
 *
 * Everything else is copied unchanged, so that line numbers stay valid. The functions do no I/O and
 * keep no state.
 */
#ifndef DYNMON_CC_DIALECT_H
#define DYNMON_CC_DIALECT_H

#include "base/error.h"
#include "base/text.h"

/* Maximum number of maps in a dataplane. The kernel allows 64 in one program. */
#define DIALECT_MAPS_MAX 256
/* Maximum nesting depth of method calls in the arguments of method calls. */
#define DIALECT_CALLS_MAX 64

enum dialect_kind {
	DIALECT_NONE,	/* not a dataplane */
	DIALECT_DYNMON, /* defines handle_rx() */
	DIALECT_LIBBPF, /* has SEC(...) */
};

/**
 * dialect_detect() - find the kind of a source
 * @source:  the source, not preprocessed
 * @len:     number of bytes
 *
 * Ignores comments, strings and preprocessor directives.
 *
 * Return: the kind; DIALECT_LIBBPF if a source has both handle_rx and SEC(.
 */
enum dialect_kind dialect_detect(const char *source, size_t len);

/**
 * dialect_translate() - translate a preprocessed source to C
 * @source:  preprocessed source
 * @len:     number of bytes
 * @out:     text to append to
 * @err:     receives the reason for a failure
 *
 * Return: 0, -ENOMEM, or -EBADMSG for an error in the source. The message of an error in the source
 * has the form of a compiler's: "FILE:LINE: error: ...".
 */
int dialect_translate(const char *source, size_t len, struct text *out, struct error *err);

#endif
