/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compilation of a dataplane's source to a BPF object: the location and the arguments of clang.
 *
 * Source in libbpf style is compiled in one run. The dialect takes two: the preprocessor, then the
 * compiler on the translation. All functions are for the single thread of dynmon-cc.
 */
#ifndef DYNMON_CC_COMPILE_H
#define DYNMON_CC_COMPILE_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>

#define COMPILE_INCLUDES_MAX 8

/* The settings of a compilation. Strings are borrowed. Paths are absolute. */
struct compile {
	const char *clang; /* path from clang_find() */
	const char *name;  /* name of the source in diagnostics */
	int log_level;	   /* number of a dialect level */
	unsigned int cube_id;
	bool egress, xdp;
	bool translate_only; /* output C, no object */
	/* Directories of headers, searched before the system's; NULL after the last. */
	const char *includes[COMPILE_INCLUDES_MAX + 1];
};

/**
 * clang_find() - find the clang program
 * @name:  a path, or a name to look up in /usr/bin, /usr/local/bin and /usr/lib/llvm-<n>/bin; PATH
 *         is not used
 * @err:   receives the reason for a failure
 *
 * Return: the real path, which the caller frees, or NULL if clang is missing.
 */
char *clang_find(const char *name, struct error *err);

/**
 * compile_check() - test if the headers that every source needs are installed
 * @compile:  settings
 * @err:      receives the missing file and the Debian package that contains it
 *
 * Return: 0, or -ENOENT if a header is missing.
 */
int compile_check(const struct compile *compile, struct error *err);

/**
 * compile_run() - compile a source
 * @compile:  settings; the working directory must be includes[0], which is passed as "."
 * @source:   the source
 * @len:      number of bytes
 * @object:   text to which the object, or with translate_only the C code, is appended
 * @diagnostics:    text to which diagnostics are appended, also on success
 * @err:      receives the reason for a failure
 *
 * Return: 0, -EBADMSG if the source has errors, -EDQUOT if a limit was exceeded, another -errno if
 * the cause is not the source.
 */
int compile_run(const struct compile *compile, const char *source, size_t len, struct text *object,
		struct text *diagnostics, struct error *err);

#endif
