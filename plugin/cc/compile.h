/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a dataplane's source to a BPF object: which clang, with which arguments, how often. */
#ifndef DYNMON_CC_COMPILE_H
#define DYNMON_CC_COMPILE_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>

#define COMPILE_INCLUDES_MAX 8

/* Strings are borrowed and absolute paths where they are paths. */
struct compile {
	const char *clang; /* as clang_find() gives it */
	const char *name;  /* what diagnostics call the source */
	const char *log_level;
	unsigned int cube_id;
	bool egress, xdp;
	bool translate_only;				/* the dialect's C instead of an object */
	const char *includes[COMPILE_INCLUDES_MAX + 1]; /* searched first; ends with NULL */
};

/*
 * The real path of clang, which the caller frees: a path is taken as it is, a name is looked for
 * in the fixed places. NULL if there is none, with words that name Debian's package.
 */
char *clang_find(const char *name, struct error *err);

/* Is what every source needs installed? 0, or -ENOENT with words that name Debian's package. */
int compile_check(const struct compile *compile, struct error *err);

/* The name of a --log-level, as dynmon/dialect.h has it; NULL for an unknown one. */
const char *log_level_macro(const char *name);

/*
 * Compiles len bytes of source and appends the object. What clang has to say is appended to
 * words whether it fails or not. Returns 0, -EBADMSG if the source has errors, -EDQUOT if a
 * limit was exceeded, else another -errno: it is not the source's fault.
 */
int compile_run(const struct compile *compile, const char *source, size_t len, struct text *object,
		struct text *words, struct error *err);

#endif
