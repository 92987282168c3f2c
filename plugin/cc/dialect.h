/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Dynmon dialect, made into C.
 *
 * The preprocessor has run with dynmon/dialect.h; dynmon/methods.h goes before the result. In
 * between, two things are rewritten that macros cannot reach:
 *
 *	dynmon_table("hash", ...	becomes	dynmon_table_hash( ...
 *	MAP.lookup(&key)		becomes	dynmon_lookup(MAP,(&key))
 *
 * Everything else is copied byte for byte, and lines stay lines. No I/O.
 */
#ifndef DYNMON_CC_DIALECT_H
#define DYNMON_CC_DIALECT_H

#include "base/error.h"
#include "base/text.h"

/* A dataplane with more maps than this is refused; the kernel takes 64 for one program. */
#define DIALECT_MAPS_MAX 256
/* And so are method calls in arguments of method calls, deeper than this. */
#define DIALECT_CALLS_MAX 64

enum dialect_kind {
	DIALECT_NONE,	/* neither of the others */
	DIALECT_DYNMON, /* defines handle_rx() */
	DIALECT_LIBBPF, /* has SEC(...) */
};

/* What kind of source this is, before the preprocessor: comments and strings do not count. */
enum dialect_kind dialect_detect(const char *source, size_t len);

/*
 * Translates preprocessed source and appends it to out. Returns 0, -ENOMEM, or -EBADMSG for an
 * error in the source; err then says "FILE:LINE: error: ...", as a compiler does.
 */
int dialect_translate(const char *source, size_t len, struct text *out, struct error *err);

#endif
